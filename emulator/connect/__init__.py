"""Connected accounts and what they may do."""
