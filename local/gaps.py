"""What a local stack does not serve, or not as its code says: broken operations, resources, time-outs."""

import json
import textwrap
from pathlib import Path
from typing import Any

from local import layers
from local.emulator import Emulator
from local.failure import Failure
from local.stack import Stack
from local.terminal import Terminal

#: Of a run, the worker needs this itself (`Settings.longest_attempt_s`).
_OF_WORKER_S = 20


class Gaps:
    """Names each gap once, and broken operations until they are mended."""

    def __init__(self, home: Path, aws: Emulator, terminal: Terminal) -> None:
        self._index = layers.folder_of("CatalogueLayer", home) / "python/nowlater_catalogue/index.json"  # fmt: skip
        self._aws, self._terminal = aws, terminal
        self._left_out: list[str] = []
        self._named: set[str] = set()

    def refuse_new(self, mistakes: list[str]) -> None:
        """Raise Failure with the mistakes in files that are served until now."""
        broken = {_file(line) for line in self._left_out}
        if new := [line for line in mistakes if _file(line) not in broken]:
            raise Failure("\n".join(new))

    def report(self, mistakes: list[str], stack: Stack) -> None:
        """Print the gaps of what is served now; `mistakes` are those of operations left out."""
        self._left_out = mistakes
        if mistakes:
            lines = "\n".join(f"  {line}" for line in mistakes)
            self._terminal.say(
                "All other operations are served. Correct these and save (make deploy would refuse\n"
                f"to deploy):\n{lines}"
            )
        cut = _cut(json.loads(self._index.read_text()), stack)
        if new := {name: timeout_s for name, timeout_s in cut.items() if name not in self._named}:
            self._named |= new.keys()
            self._terminal.say(_explain_cut(new, stack))
        for resource in self._aws.ask("not-emulated"):
            if resource not in self._named:
                self._named.add(resource)
                self._terminal.say(
                    f"template.yaml: {resource} is not created, all else is.\n"
                    "  The AWS emulator does not know its type: check how it is spelled, or try it on AWS."
                )


def _cut(index: list[dict[str, Any]], stack: Stack) -> dict[str, float]:
    """Return the timeouts of the operations that may run longer than the stack lets them."""
    longest_s = int(stack.parameters["WorkTimeout"]) - _OF_WORKER_S
    return {
        operation["name"]: operation["timeout"]
        for operation in index
        if operation["timeout"] > longest_s and not operation["diagnostic"]
    }


def _explain_cut(cut: dict[str, float], stack: Stack) -> str:
    timeout_s = int(stack.parameters["WorkTimeout"])
    names = ", ".join(f"{name} ({cut[name]:g})" for name in sorted(cut))
    return "\n".join(
        [
            f"Runs end after {timeout_s - _OF_WORKER_S} s here, as on AWS with WorkTimeout={timeout_s}. "
            "A longer timeout have:",
            *textwrap.wrap(
                names,
                76,
                initial_indent="  ",
                subsequent_indent="  ",
                break_long_words=False,
                break_on_hyphens=False,
            ),
            f"  For all of it: make up SET=WorkTimeout={_sufficient(max(cut.values()))}",
        ]
    )


def _sufficient(timeout_s: float) -> int:
    """Return the lowest WorkTimeout that the template allows and that lets an operation run so long."""
    allowed = (60, 120, 300, 600, 900, 1800)
    return next((value for value in allowed if value - _OF_WORKER_S >= timeout_s), allowed[-1])


def _file(mistake: str) -> str:
    return mistake.partition(":")[0]
