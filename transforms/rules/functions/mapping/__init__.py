"""Mapping and enrichment: looking values up in dictionaries, tables and services."""
