"""User agents and URLs."""
