"""Conversion between kinds of values."""
