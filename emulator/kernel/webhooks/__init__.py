"""Talking to the client: what happened is delivered, and what only the client can decide is asked.

postman  carries deliveries to those who subscribed, after the commit
asker    puts questions to the client, waits with nothing locked, and concludes
call     one POST to somebody else's server
signing  the Stripe-Signature header
"""
