"""What the Stripe CLI connects to besides the API.

web_socket   events to `stripe listen`, answered requests to `stripe logs tail`
unix_socket  both through one socket file, for `STRIPE_CLI_UNIX_SOCKET`
"""
