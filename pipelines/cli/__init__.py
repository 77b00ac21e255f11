"""The command line: one verb, one file; `pipelines.cli.main` finds verbs by listing this folder."""
