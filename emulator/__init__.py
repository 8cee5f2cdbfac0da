"""A local, stateful emulator of Stripe Issuing, Treasury and the Connect parts they need."""

__version__ = "0.1.0"
