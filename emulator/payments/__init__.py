"""Payments: customers, how they pay, and saving that for later."""
