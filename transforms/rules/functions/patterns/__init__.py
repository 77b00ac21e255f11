"""Regular expressions and grok."""
