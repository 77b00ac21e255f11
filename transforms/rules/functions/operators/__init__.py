"""Operators: comparing, choosing, indexing values."""
