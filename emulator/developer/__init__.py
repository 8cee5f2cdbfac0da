"""What developers build on: events, webhook endpoints, files."""
