"""IP addresses and where they are."""
