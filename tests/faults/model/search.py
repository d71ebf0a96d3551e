"""Goes through all states of a scenario, breadth first: the first trace to a violation is a shortest."""

from collections import deque
from dataclasses import dataclass, field

from tests.faults.model.code import without_chance
from tests.faults.model.moves import Game
from tests.faults.model.promises import Broken
from tests.faults.model.scenarios import Scenario
from tests.faults.model.world import State


@dataclass
class Found:
    """What a search came to: how many states, and a shortest trace to each violation."""

    states: int = 0
    violations: dict[str, list[str]] = field(default_factory=dict)


def search(scenario: Scenario, *, first_only: bool = False, most: int = 10_000_000) -> Found:
    """Go through the states of a scenario; stop at the first violation if that is enough."""
    with without_chance():
        game = Game(scenario)
        start = game.first()
        came: dict[State, tuple[State, tuple[str, str]] | None] = {start: None}
        todo, found = deque([start]), Found()
        while todo and len(came) < most and not (first_only and found.violations):
            state = todo.popleft()
            for moves in game.moves(state):
                last = state
                try:
                    for said, then in moves:
                        if then not in came:
                            came[then], last = (state, said), then
                            game.check(then)
                            todo.append(then)
                            last = state
                except Broken as broken:
                    found.violations.setdefault(str(broken), _trace(came, last, str(broken)))
        found.states = len(came)
        return found


def _trace(
    came: dict[State, tuple[State, tuple[str, str]] | None], state: State, last: str
) -> list[str]:
    steps = [f"→ {last}"]
    while (before := came[state]) is not None:
        state, (who, what) = before
        steps.append(f"{who}: {what}")
    return steps[::-1]
