"""What is known of an account, and how it is shown: the account itself, its capabilities, its persons, its banks.

What happens to them, and at which URLs, stands in the modules of the same names one folder up. Nothing here imports
those; whoever else wants to know something about an account looks here.
"""
