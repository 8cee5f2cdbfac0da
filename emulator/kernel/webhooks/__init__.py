"""Talking to the client: what happened is delivered, and what only the client can decide is asked.

postman       carries deliveries to those who subscribed, after the commit
asker         puts questions to the client, waits with nothing locked, and concludes
bounds        how much of an answer is taken in
letter        what is posted: an event in the subscriber's version, signed
signing       the Stripe-Signature header
call          one POST to somebody else's server
bounds        how much of an answer is taken in
"""
