"""What no resource decides: requests, tenants, steps, money mechanics, replies. Imports no product folder."""
