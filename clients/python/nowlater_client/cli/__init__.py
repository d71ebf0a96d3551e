"""`nowlater`, the command line."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line; without the extra `cli`, say how to install it."""
    try:
        import click  # noqa: F401
    except ImportError:
        sys.exit("The command line needs one package more: pip install 'nowlater-client[cli]'")
    try:
        from nowlater_client.cli.program import run

        run()
    except KeyboardInterrupt:  # before `run` handles it
        sys.exit(130)
