"""The payments and Issuing balances of an account, and how they are funded."""
