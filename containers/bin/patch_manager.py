#!/usr/bin/env -S python3 -I -S
"""The Patch Manager on the path; see containers/patch-manager/README.md."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.realpath(__file__))), 'patch-manager'))

from patchmgr.cli import main  # noqa: E402  (the path must be set first)

sys.exit(main(sys.argv[1:]))
