"""Extraction: fields out of the text of a field."""
