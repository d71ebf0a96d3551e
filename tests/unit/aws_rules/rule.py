"""A rule of AWS's: what it says, where AWS says so, how it is checked, and what breaks it."""

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from local.intrinsics import Resolved

#: Yields what breaks a rule, each beginning with the resource's logical id.
Check = Callable[[Resolved], Iterator[str]]
#: Changes what CloudFormation is given, so that it breaks a rule.
Seed = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class Rule:
    name: str
    #: AWS's documentation, or an issue in which a real account's refusal is reported.
    source: str
    check: Check
    #: Each breaks this rule, and no other.
    seeds: tuple[Seed, ...]


RULES: list[Rule] = []


def rule(source: str, *seeds: Seed) -> Callable[[Check], Check]:
    """Enter a function into the table of rules, under its name."""

    def enter(check: Check) -> Check:
        name = check.__name__.replace("_", " ")
        RULES.append(Rule(name, source, check, seeds))
        return check

    return enter


# ── rows: one kind of rule, for many properties ───────────────────────────────────────────────


def bounded(
    kind: str, path: str, low: int, high: int, source: str, on: str | None = None, unless: int = 0
) -> None:
    """Enter the rule that a number lies in a range; `unless` is a number that is taken too.

    `on` is the resource that the seeds change; None has them add one.
    """

    def check(given: Resolved) -> Iterator[str]:
        for name, properties in given.of_type(kind).items():
            for number in parts(properties, path):
                if not low <= float(number) <= high and not (unless and int(number) == unless):
                    yield f"{name}: {path} is {number}"

    seeds = tuple(_seed(kind, path, number, on) for number in (low - 1, high + 1))
    RULES.append(Rule(f"{_short(kind)} {path} from {low} to {high}", source, check, seeds))


def at_most(
    kind: str, path: str, most: int, source: str, on: str, filled: Any, also: Seed | None = None
) -> None:
    """Enter the rule that a text or a list is so long at most.

    The seed is too many of `filled`, and what `also` changes, so that no other rule is broken.
    """

    def check(given: Resolved) -> Iterator[str]:
        for name, properties in given.of_type(kind).items():
            for found in parts(properties, path):
                if len(found) > most:
                    yield f"{name}: {path} has a length of {len(found)}"

    seed = both(_seed(kind, path, filled * (most + 1), on), also)
    RULES.append(Rule(f"{_short(kind)} {path} at most {most}", source, check, (seed,)))


def one_of(
    kind: str,
    path: str,
    known: set[Any],
    source: str,
    on: str,
    wrong: Any,
    also: Seed | None = None,
) -> None:
    """Enter the rule that a value is one of those that AWS lists; `wrong` is not."""

    def check(given: Resolved) -> Iterator[str]:
        for name, properties in given.of_type(kind).items():
            for found in parts(properties, path):
                if found not in known:
                    yield f"{name}: {path} is {found!r}"

    seed = both(_seed(kind, path, wrong, on), also)
    RULES.append(Rule(f"{_short(kind)} {path} is one that AWS lists", source, check, (seed,)))


def parts(value: Any, path: str) -> Iterator[Any]:
    """Yield what lies at a path of names joined by dots, `*` being each member of a list."""
    name, _, rest = path.partition(".")
    members = value if name == "*" else [value[name]] if name in value else []
    for member in members:
        if rest:
            yield from parts(member, rest)
        else:
            yield member


def _short(kind: str) -> str:
    return kind.removeprefix("AWS::").replace("::", " ")


# ── seeds ─────────────────────────────────────────────────────────────────────────────────────


def put(value: Any, resource: str, *path: str | int) -> Seed:
    """Return the seed that gives a resource's property a value."""
    return place(value, "Resources", resource, "Properties", *path)


def place(value: Any, *path: str | int) -> Seed:
    """Return the seed that puts a value at a place in the template, into what an If has then."""

    def seed(template: dict[str, Any]) -> None:
        *way, last = path
        where: Any = template
        for step in way:
            where = where[step] if isinstance(step, int) else where.setdefault(step, {})
            if isinstance(where, dict) and "Fn::If" in where:
                where = where["Fn::If"][1]
        where[last] = copy.deepcopy(value)

    return seed


def append(value: Any, resource: str, *path: str | int) -> Seed:
    """Return the seed that adds a member to a list in a resource's properties."""

    def seed(template: dict[str, Any]) -> None:
        where = template["Resources"][resource]["Properties"]
        for step in path:
            where = where[step]
        where.append(copy.deepcopy(value))

    return seed


def add(kind: str, properties: dict[str, Any], name: str = "Seeded") -> Seed:
    """Return the seed that adds a resource."""
    return place({"Type": kind, "Properties": properties}, "Resources", name)


def remove(*path: str) -> Seed:
    """Return the seed that takes a part of the template away."""

    def seed(template: dict[str, Any]) -> None:
        *way, last = path
        where = template
        for step in way:
            where = where[step]
        del where[last]

    return seed


def rename(old: str, new: str) -> Seed:
    """Return the seed that writes one text for another, in all resources."""

    def walk(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: walk(part) for key, part in value.items()}
        if isinstance(value, list):
            return [walk(part) for part in value]
        return new if value == old else value

    def seed(template: dict[str, Any]) -> None:
        template["Resources"] = walk(template["Resources"])

    return seed


def both(*seeds: Seed | None) -> Seed:
    """Return the seed that is several, those that are not None."""

    def seed(template: dict[str, Any]) -> None:
        for one in seeds:
            if one is not None:
                one(template)

    return seed


def _seed(kind: str, path: str, value: Any, on: str | None) -> Seed:
    steps: list[str | int] = [0 if step == "*" else step for step in path.split(".")]
    if on is not None:
        return put(value, on, *steps)
    for step in reversed(steps):
        value = [value] if step == 0 else {step: value}
    return add(kind, value)
