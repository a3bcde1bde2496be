"""Many responses: what changed between two."""
