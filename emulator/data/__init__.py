"""Generated tables of published facts: routes, categories, currencies, countries, events, versions, capabilities."""
