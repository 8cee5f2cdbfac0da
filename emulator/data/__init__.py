"""Tables of published facts: routes, categories, currencies, countries, events, versions and capabilities, which are
generated, and the changes between versions, which are not."""
