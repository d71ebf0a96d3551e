"""DynamoDB's expressions on plain items: as much of them as nowlater writes."""

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

type Item = dict[str, Any]
type Values = Mapping[str, Any]

_TOKEN = re.compile(r"#\w+|:\w+|\w+|<>|<=|>=|[=<>(),+-]|\S")
_SECTION = re.compile(r"\b(SET|REMOVE|ADD)\b")
_COMMA = re.compile(r",(?![^(]*\))")
_WORDS = {"AND": "and", "OR": "or", "NOT": "not", "IN": "in", "=": "==", "<>": "!="}
_FUNCTIONS = {"attribute_exists", "attribute_not_exists", "if_not_exists"}
_PUNCTUATION = {"<", "<=", ">", ">=", "(", ")", ",", "+", "-"}


class _Absent:
    """A missing attribute: it differs from everything, and compares with nothing."""

    def __eq__(self, _: object) -> bool:
        return False

    def __lt__(self, _: object) -> bool:
        return False

    __le__ = __gt__ = __ge__ = __lt__
    __hash__ = None  # type: ignore[assignment]


_ABSENT = _Absent()


@cache
def own_names(expression: str) -> Mapping[str, str]:
    """Return the attributes' names as nowlater gives them: `#name` stands for `name`."""
    return {token: token[1:] for token in _TOKEN.findall(expression) if token.startswith("#")}


def holds(expression: str, item: Item, names: Mapping[str, str], values: Values) -> bool:
    """Tell whether a condition holds for an item."""
    return bool(_value(expression, item, names, values))


def update(expression: str, item: Item, names: Mapping[str, str], values: Values) -> Item:
    """Return the item as an update expression leaves it."""
    _, *parts = _SECTION.split(expression)
    new = dict(item)
    for verb, text in zip(parts[::2], parts[1::2], strict=True):
        for clause in _COMMA.split(text):
            if verb == "SET":
                name, _, formula = clause.partition("=")
                new[_name(name, names)] = _value(formula, item, names, values)
            elif verb == "REMOVE":
                new.pop(_name(clause, names), None)
            else:
                name, value = clause.split()
                new[_name(name, names)] = new.get(_name(name, names), 0) + values[value]
    return new


def _name(text: str, names: Mapping[str, str]) -> str:
    return names.get(text.strip(), text.strip())


def _value(expression: str, item: Item, names: Mapping[str, str], values: Values) -> Any:
    functions = {
        "attribute_exists": lambda it: it is not _ABSENT,
        "attribute_not_exists": lambda it: it is _ABSENT,
        "if_not_exists": lambda it, other: other if it is _ABSENT else it,
        "attribute": lambda name: item.get(names.get(name, name), _ABSENT),
        "value": lambda name: values[name],
    }
    return _compiled(expression)(functions)


@cache
def _compiled(expression: str) -> Callable[[dict[str, Any]], Any]:
    """Return the expression as a function of what its words mean."""
    words = " ".join(_translated(token) for token in _TOKEN.findall(expression))
    code = compile(words, expression, "eval")
    return lambda functions: eval(code, {"__builtins__": {}}, functions)


def _translated(token: str) -> str:
    if token in _WORDS:
        return _WORDS[token]
    if token in _FUNCTIONS or token in _PUNCTUATION:
        return token
    if token.startswith(":"):
        return f"value({token!r})"
    if re.fullmatch(r"#?\w+", token):
        return f"attribute({token!r})"
    raise ValueError(f"{token!r} is not known here")
