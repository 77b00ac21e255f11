"""The functions of the rule language: one folder per family, one file per function; a file joins by being there."""
