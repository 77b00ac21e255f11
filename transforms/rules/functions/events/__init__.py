"""Event processing: dropping, splitting, routing events."""
