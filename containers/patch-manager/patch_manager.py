"""Entry of the Patch Manager: `python3 patch_manager.py <command> ...` from anywhere. See README.md."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))

from patchmgr.cli import main  # noqa: E402  (the path must be set first: `python3 -I` does not add this folder)

if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
