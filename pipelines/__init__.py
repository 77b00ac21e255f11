"""Jobs that run: they compose the transforms, and hold options, the home and the command line. No log semantics."""
