"""Scheduled SQL as a service and its backfills: what is due runs in worker processes, and what has ended is told."""
