"""What is kept, and how. `face.py` says what the rest of the kernel may ask for; `sqlite.py` keeps it in files,
`postgres/` in a database; `place.py` tells from a folder or an address which of them it is.

face            the verbs: Database, StoredWorld, Session; every SQL text is written here, in what SQLite and
                PostgreSQL both speak
schema          every table, as data
store           records                 ledger    movements and totals    tallies  sums that limits ask for
agenda          what falls due          events    what happened           faults   and doses of the clinic
deliveries      and who subscribes      replies   of idempotency keys     questions
tenant_row      the world's own row: its clock, its generator, its counters
request_log     what was answered
files           what belongs to a database's file, and what goes wrong with it
sqlite          one file per world      migrations   files of earlier versions
folding         what was written ahead of a file, back into it
doctor          whether everything stored agrees with the rest
"""
