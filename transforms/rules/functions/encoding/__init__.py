"""Encoding, hashing, encryption."""
