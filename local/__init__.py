"""The command-line tools behind `make`. Only here is code that adapts a stack to the emulator."""

import sys
from types import TracebackType

_show = sys.excepthook


def _show_all_but_interrupts(
    kind: type[BaseException], fault: BaseException, traceback: TracebackType | None
) -> None:
    """Print an exception that ends a tool; Ctrl-C is none, also while the tool is imported."""
    if not issubclass(kind, KeyboardInterrupt):
        _show(kind, fault, traceback)


sys.excepthook = _show_all_but_interrupts
