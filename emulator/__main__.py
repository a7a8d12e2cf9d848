"""``python -m emulator``: the command line."""

import sys

from emulator.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
