"""What goes wrong in a run, and where: said in words that can be pasted, `12:crash-after i3:twice`."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from tests.faults.kinds import BY_SOURCE, HELD_S, OF_CALLS, OF_INVOCATIONS, OF_REQUESTS, How

_FAULT = re.compile(r"(i?)([0-9]+):([a-z-]+)")


@dataclass(frozen=True)
class Plan:
    """The kind of fault by the number of the call to AWS, or of the invocation (`i…`)."""

    calls: dict[int, str] = field(default_factory=dict)
    invocations: dict[int, str] = field(default_factory=dict)

    def of_call(self, number: int) -> str | None:
        """Return what goes wrong with a call."""
        return self.calls.get(number)

    def of_invocation(self, number: int) -> How:
        """Return what goes wrong with an invocation."""
        kind = self.invocations.get(number)
        return OF_INVOCATIONS[kind] if kind else {}

    @property
    def kinds(self) -> list[str]:
        return [*self.calls.values(), *self.invocations.values()]

    @property
    def skew_s(self) -> float:
        """How wrong clocks are at most."""
        return max(
            (abs(self.of_invocation(n).get("skew_s", 0)) for n in self.invocations), default=0
        )

    @property
    def held_s(self) -> float:
        """How much later than it was made up a call has its effect at most."""
        return max((HELD_S.get(kind, 0) for kind in self.calls.values()), default=0)

    @property
    def late_s(self) -> float:
        """How late AWS is at most, in all."""
        return sum(self.of_invocation(n).get("late_s", 0) for n in self.invocations)

    def __str__(self) -> str:
        calls = [f"{n}:{kind}" for n, kind in self.calls.items()]
        return " ".join(calls + [f"i{n}:{kind}" for n, kind in self.invocations.items()])


def plan_of(words: Iterable[str]) -> Plan:
    """Read a plan; raises ValueError where a word is no fault."""
    calls, invocations = dict[int, str](), dict[int, str]()
    for word in words:
        found = _FAULT.fullmatch(word)
        kinds = OF_INVOCATIONS if found and found[1] else OF_CALLS
        if found is None or found[3] not in kinds:
            raise ValueError(
                f"{word} is no fault: 12:KIND of {', '.join(OF_CALLS)}; i3:KIND of {', '.join(OF_INVOCATIONS)}"
            )
        (invocations if found[1] else calls)[int(found[2])] = found[3]
    return Plan(calls, invocations)


def singles(
    calls: list[str],
    invocations: list[str],
    after: Plan | None = None,
    kinds: Iterable[str] = (*OF_CALLS, *OF_INVOCATIONS),
) -> Iterator[Plan]:
    """Yield a plan for each fault at each of a run's points; with `after`, at those that are later."""
    before = after or Plan()
    kinds = list(kinds)
    for n in range(max(before.calls, default=0) + 1, len(calls) + 1):
        for kind in kinds:
            if kind in OF_CALLS:
                yield Plan(before.calls | {n: kind}, before.invocations)
    for n in range(max(before.invocations, default=0) + 1, len(invocations) + 1):
        can_happen = OF_INVOCATIONS if invocations[n - 1].endswith(BY_SOURCE) else OF_REQUESTS
        for kind in kinds:
            if kind in can_happen:
                yield Plan(before.calls, before.invocations | {n: kind})
