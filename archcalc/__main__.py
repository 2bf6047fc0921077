"""The command `archcalc`, and `python -m archcalc`."""

import sys


def main() -> int:
    """Runs the command line; the exit status. Ctrl-C ends it without a traceback from the start."""
    try:
        from archcalc.cli import main as run

        return run()
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
