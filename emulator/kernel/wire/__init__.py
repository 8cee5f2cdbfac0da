"""What turns bytes into a request, and what came of it into a reply.

front        the ASGI application: one loop for every connection
connection   one client's, with limits that have a clear reply each
doors        who is let in, before a key is read
pipeline     one request from its key to its reply: the order in which it is judged
incoming     method, path, headers and body, as they came in
forms        bracketed names as one tree
wires        v1 and v2: two ways of writing the same
keys         which tenant a key opens, and whose account acts
idempotency  whether a repeated request is the same
"""
