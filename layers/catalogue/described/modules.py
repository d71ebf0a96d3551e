"""Joins JavaScript modules into one, so that a page costs one request and not one for each module.

Each module becomes a function that runs once and returns its exports, after the modules that it
imports. The modules must import each other without cycles, and export no variable that changes.
"""

import re
from collections.abc import Iterator

_NAMES = r"\{(?P<names>[^}]*)\}"
_FROM = r"""\s*from\s*['"]\./(?P<file>[\w-]+\.js)['"];?"""
_IMPORT = re.compile(
    rf"(?:^|(?<=;))import\s*(?:\*\s*as\s+(?P<all>[\w$]+)|(?P<default>[\w$]+)|{_NAMES}){_FROM}", re.M
)
_PASSED_ON = re.compile(rf"(?:^|(?<=[;}}]))export\s*{_NAMES}{_FROM}", re.M)
_EXPORTED = re.compile(rf"(?:^|(?<=[;}}]))export\s*{_NAMES};?", re.M)
_DEFAULT = re.compile(r"(?:^|(?<=[;}]))export default\s*", re.M)
_DECLARED = re.compile(
    r"^export (?P<kind>(?:async )?function|class|const)\s+(?P<name>[\w$]+)", re.M
)
_LEFT_OVER = re.compile(r"^(?:import|export)\b.*", re.M)


class NotJoined(Exception):
    """A module uses a form of import or export that is not known here."""


def join(sources: dict[str, str], first: str) -> str:
    """Return the module `first` and all that it imports as one; `sources` are texts by file name."""
    return "\n".join(
        f"// {name}\n{_scoped(sources[name], name)}" for name in _order(sources, first)
    )


def _order(sources: dict[str, str], name: str, seen: tuple[str, ...] = ()) -> Iterator[str]:
    """Yield the files so that each comes after what it imports."""
    if name in seen:
        raise NotJoined(f"{name} imports itself: {' → '.join(seen)}")
    found: dict[str, None] = {}
    for pattern in (_IMPORT, _PASSED_ON):
        for match in pattern.finditer(sources[name]):
            found |= dict.fromkeys(_order(sources, match["file"], (*seen, name)))
    yield from found
    yield name


def _scoped(text: str, name: str) -> str:
    exported: list[str] = []

    def passed_on(match: re.Match[str]) -> str:
        exported.extend(
            f"{as_}: {_variable(match['file'])}.{own}" for own, as_ in _pairs(match["names"])
        )
        return ""

    def export(match: re.Match[str]) -> str:
        exported.extend(f"{as_}: {own}" for own, as_ in _pairs(match["names"]))
        return ""

    def declare(match: re.Match[str]) -> str:
        exported.append(match["name"])
        return f"{match['kind']} {match['name']}"

    def default(_: re.Match[str]) -> str:
        exported.append("default: theDefault")
        return "const theDefault = "

    text = _IMPORT.sub(_import, text)
    for pattern, change in (
        (_PASSED_ON, passed_on),
        (_EXPORTED, export),
        (_DEFAULT, default),
        (_DECLARED, declare),
    ):
        text = pattern.sub(change, text)
    if left_over := _LEFT_OVER.search(text):
        raise NotJoined(f"{name}: {left_over[0][:100]}")
    returned = ", ".join(exported)
    return f"const {_variable(name)} = (() => {{\n{text.strip()}\nreturn {{{returned}}}\n}})()"


def _import(match: re.Match[str]) -> str:
    module = _variable(match["file"])
    if match["all"]:
        return f"const {match['all']} = {module};"
    if match["default"]:
        return f"const {match['default']} = {module}.default;"
    names = ", ".join(own if own == as_ else f"{own}: {as_}" for own, as_ in _pairs(match["names"]))
    return f"const {{{names}}} = {module};"


def _pairs(names: str) -> list[tuple[str, str]]:
    """Return each name of `a, b as c`, and the name that it is given."""
    parts = [name.split() for name in names.split(",") if name.strip()]
    return [(part[0], part[-1]) for part in parts]


def _variable(file: str) -> str:
    return "$" + re.sub(r"\W", "_", file.removesuffix(".js"))
