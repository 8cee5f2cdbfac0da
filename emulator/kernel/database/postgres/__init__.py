"""Worlds in a PostgreSQL database, which as many processes serve as like to.

address        where it is              installation  its schema, made and brought up to date
tables         in its words             statements    the kernel's SQL in its words
line           a connection on which statements are gathered              values  what is sent and read
session        and world                database      all of them
shapes         how records are filed    files         worlds as files and back
failures       what it says             locks          among processes, by the one connection that stands: standing
bell           rings in all of them    request_log   in the database      drawer  what belongs to no world
"""
