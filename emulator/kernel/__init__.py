"""What no resource decides: requests, tenants, steps, money mechanics, replies. README.md shows the way around."""
