"""What the Stripe CLI connects to besides the API.

web_socket   events to `stripe listen`, answered requests to `stripe logs tail`: who is connected, what each is told
lines        one open connection             frames   what is said over it, as plain values
calls        an event on its way to a listener
unix_socket  the API and the WebSocket through one socket file, for `STRIPE_CLI_UNIX_SOCKET`
"""
