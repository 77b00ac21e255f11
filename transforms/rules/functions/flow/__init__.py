"""Flow control: which operations run on an event."""
