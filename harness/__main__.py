"""`python -m harness` is the command `harness`."""

import sys


def main() -> None:
    """Run the command; Ctrl-C while it is being imported is a sentence too."""
    try:
        from harness.cli.main import main as run

        run()
    except KeyboardInterrupt:
        sys.stderr.write("harness: Interrupted.\n")
        sys.exit(130)  # as harness.core.errors.INTERRUPTED, which may not be imported yet
    finally:
        exec("")  # noqa: S102 - else CPython ends by the signal where Ctrl-C came while a text was executed (dataclasses)


if __name__ == "__main__":
    main()
