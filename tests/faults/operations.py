"""The one operation of the virtual AWS: it does what its input says, each attempt the next thing."""

from collections.abc import Callable
from typing import Any

from nowlater import Context, Refused, Unavailable, operation
from nowlater.runtime.catalogue import Catalogue, Entry

#: What an attempt can do: how long it takes in seconds, and what comes of it.
ACTS: dict[str, tuple[float, Callable[[Context], Any]]] = {}
#: Waits in an operation, and reports each attempt to the current world.
PAUSE: list[Callable[[float], None]] = []
BEGUN: list[Callable[[Context], None]] = []


def _act(name: str, takes_s: float) -> Callable[[Callable[[Context], Any]], None]:
    def keep(does: Callable[[Context], Any]) -> None:
        ACTS[name] = (takes_s, does)

    return keep


@_act("succeed", 0.5)
def _(context: Context) -> Any:
    return {"attempt": context.attempt}


@_act("take-long", 15)
def _(context: Context) -> Any:
    return {"attempt": context.attempt}


@_act("take-ten", 10)
def _(context: Context) -> Any:
    return {"attempt": context.attempt}


@_act("return-much-in-ten", 10)
def _(context: Context) -> Any:
    return {"attempt": context.attempt, "much": "x" * 20_000}


@_act("return-much", 0.5)
def _(context: Context) -> Any:
    return {"attempt": context.attempt, "much": "x" * 20_000}


@_act("hang", 60)
def _(context: Context) -> Any:
    raise AssertionError("nothing runs for so long")


@_act("fail", 0.5)
def _(context: Context) -> Any:
    raise OSError("the disk is full")


@_act("refuse", 0.5)
def _(context: Context) -> Any:
    raise Refused("not this one")


@_act("wait", 0.5)
def _(context: Context) -> Any:
    raise Unavailable("not yet", 30)


@_act("wait-long", 0.5)
def _(context: Context) -> Any:
    raise Unavailable("not yet", 2000)


@_act("wait-a-day", 0.5)
def _(context: Context) -> Any:
    raise Unavailable("not today", 86_400)


@operation(timeout=20, attempts=3)
def something(does: list[str], context: Context, filling: str = "") -> dict[str, Any]:
    """Does at each attempt the next act of its input; the last again and again."""
    BEGUN[-1](context)
    takes_s, act = ACTS[does[min(context.attempt, len(does)) - 1]]
    PAUSE[-1](takes_s / 2)
    context.progress(0.5, f"attempt {context.attempt}")
    PAUSE[-1](takes_s / 2)
    return dict(act(context))


class OneOperation(Catalogue):
    """A catalogue that has it, and nothing else."""

    def __init__(self) -> None:
        super().__init__(with_diagnostics=False)

    def find(self, name: str) -> Entry | None:
        spec = something.operation  # type: ignore[attr-defined]
        if name != spec.name:
            return None
        return Entry(
            name=name,
            module=__name__,
            function="something",
            timeout=spec.timeout,
            attempts=spec.attempts,
            doors=spec.doors,
            diagnostic=False,
            takes_documents=False,
            validate=lambda given: given,
        )
