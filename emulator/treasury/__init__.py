"""Financial accounts and the flows of money in and out of them."""
