"""Event checks: what an event has and what its fields hold."""
