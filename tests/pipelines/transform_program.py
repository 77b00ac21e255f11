"""``python -m tests.pipelines.transform_program HOME VERB …``: a verb of the command line whose exit code 1 (some logs failed) is fine."""

from __future__ import annotations

import os
import sys

if __name__ == "__main__":
    from pipelines.cli.main import main

    code = main(["--home", sys.argv[1], *sys.argv[2:]])
    sys.stdout.flush()
    os._exit(0 if code in (0, 1) else code)
