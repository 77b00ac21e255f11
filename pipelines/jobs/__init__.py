"""Continuous transformation jobs: their definition, their instances, the supervisor that keeps those running."""
