"""Transformation jobs that never end: their states, what may be done to them, the ledger that keeps them, how many instances they need."""
