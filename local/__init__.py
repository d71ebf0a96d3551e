"""The command-line tools behind `make`. Only here is code that adapts a stack to the emulator."""

import os
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


def _reach_this_machine_directly() -> None:
    """Have no proxy asked for what is served on this machine, here and in child processes."""
    hosts = os.environ.get("no_proxy") or os.environ.get("NO_PROXY", "")
    if hosts != "*" and not {"localhost", "127.0.0.1"} <= {*hosts.split(",")}:
        hosts = f"localhost,127.0.0.1,{hosts}".rstrip(",")
    os.environ["no_proxy"] = os.environ["NO_PROXY"] = hosts


_reach_this_machine_directly()
