"""Reads operations/resources.yaml: what the operations need of the stack, section by section, as text."""

import difflib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from local import references
from local.failure import Failure
from local.terminal import printable

PATH = Path("operations/resources.yaml")
#: Sections of CloudFormation, in which each name must be new.
_NAMED = ("Parameters", "Rules", "Mappings", "Conditions", "Resources", "Outputs")
#: Statements of the policy that all operations have.
_POLICY = "Policy"
#: Environment variables of operations, by name.
_ENVIRONMENT = "Environment"
SECTIONS = (_POLICY, _ENVIRONMENT, *_NAMED)

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
type _Section = yaml.MappingNode | yaml.SequenceNode

_LOGICAL_ID = re.compile(r"[A-Za-z0-9]+")
_VARIABLE = re.compile(r"(?!AWS_|NOWLATER_)[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True)
class Fragment:
    """The operations' part of the template."""

    path: Path
    #: Each section's lines, not indented.
    sections: dict[str, str]
    #: Environment variables as members of a JSON object, for `!Sub`.
    variables: list[str]


class _Mistakes:
    """Collects the mistakes in a file, each with its line."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lines: list[tuple[int, str]] = []

    def add(self, node: yaml.Node, message: str) -> None:
        self._lines.append((node.start_mark.line + 1, message))

    def refuse(self) -> None:
        if self._lines:
            lines = (f"{self._path}:{n}: {text}" for n, text in sorted({*self._lines}))
            raise Failure("\n".join(printable(line, colors=False) for line in lines))


def read(path: Path, framework: str, *, shown: Path = PATH) -> Fragment:
    """Return the fragment in a file, an empty one if there is no file.

    `framework` is the template that it will be part of. Raises Failure with all mistakes, one a line.
    """
    text = _text(path, shown) if path.exists() else ""
    root = _parse(text, shown)
    mistakes = _Mistakes(shown)
    found = dict(_sections(root, mistakes))
    if found:
        _check_names(found, _names(framework), mistakes)
        _check_anchors(text, framework, root, mistakes)
        _check_references(found, framework, mistakes)
    variables = list(_variables(found, mistakes))
    mistakes.refuse()
    sections = {name: _lines(text, found[name]) for name in found if name != _ENVIRONMENT}
    return Fragment(shown, sections, variables)


def _text(path: Path, shown: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise Failure(f"{shown}: it is not UTF-8. Save it with this encoding.") from error


def _parse(text: str, shown: Path) -> yaml.Node | None:
    try:
        node: yaml.Node | None = yaml.compose(text, _LOADER)
    except yaml.reader.ReaderError as error:
        line = text[: text.find(chr(error.character))].count("\n") + 1
        raise Failure(
            f"{shown}:{line}: it has the control character {chr(error.character)!r}. Delete it."
        ) from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = 1 if mark is None else mark.line + 1
        raise Failure(
            f"{shown}:{line}: this is not YAML: {error.problem}. Correct the indentation, colons and "
            "quotation marks of this line or the one before."
        ) from error
    return node


def _sections(root: yaml.Node | None, mistakes: _Mistakes) -> Iterator[tuple[str, _Section]]:
    """Yield each section that is not empty."""
    if root is None:
        return
    if not isinstance(root, yaml.MappingNode):
        mistakes.add(root, f"this must be sections: {', '.join(SECTIONS)}.")
        return
    seen: set[str] = set()
    for key, value in root.value:
        name = str(key.value)
        if name not in SECTIONS:
            mistakes.add(key, f"there is no section {name}. {_suggestion(name)}")
        elif name in seen:
            mistakes.add(key, f"the section {name} is there twice. Write it once.")
        elif fault := _fault(name, value):
            mistakes.add(key, fault)
        elif value.value and value.tag != "tag:yaml.org,2002:null":
            yield name, value
        seen.add(name)


def _suggestion(name: str) -> str:
    if near := difflib.get_close_matches(name, SECTIONS, 1):
        return f"Did you mean {near[0]}?"
    return f"There are {', '.join(SECTIONS)}."


def _fault(name: str, value: yaml.Node) -> str | None:
    """Return what is wrong with a section as a whole."""
    if isinstance(value, yaml.ScalarNode) and value.tag == "tag:yaml.org,2002:null":
        return None
    if name == _POLICY:
        if not isinstance(value, yaml.SequenceNode):
            return "Policy must be a list of statements, each beginning with a hyphen."
    elif not isinstance(value, yaml.MappingNode):
        return f"{name} must have names, each with a colon after it."
    if value.flow_style and value.value:
        return f"write {name} without brackets: one entry a line, below the section's name."
    return None


def _check_names(
    sections: dict[str, _Section],
    taken: dict[str, set[str]],
    mistakes: _Mistakes,
) -> None:
    """Note each name that cannot be one, is there twice, or is the framework's."""
    for section in sections.keys() & set(_NAMED):
        seen: set[str] = set()
        # CloudFormation has one set of names for parameters and resources.
        ours = taken[section] | (
            taken["Parameters"] | taken["Resources"]
            if section in ("Parameters", "Resources")
            else set()
        )
        for key, value in sections[section].value:
            name = str(key.value)
            if not _LOGICAL_ID.fullmatch(name):
                mistakes.add(key, f"{name} cannot be a name: use letters and digits only.")
            elif name in seen:
                mistakes.add(key, f"{name} is there twice. Give one of them another name.")
            elif name in ours:
                mistakes.add(key, f"the framework has a {name} already. Choose another name.")
            elif section == "Resources" and not _type(value):
                mistakes.add(key, f"{name} needs a Type, such as AWS::DynamoDB::Table.")
            seen.add(name)


def _entries(sections: dict[str, yaml.Node], name: str) -> list[tuple[yaml.Node, yaml.Node]]:
    return sections[name].value if name in sections else []


def _type(resource: yaml.Node) -> str:
    """Return the type of a resource; "" if it has none."""
    members = resource.value if isinstance(resource, yaml.MappingNode) else []
    return next((str(value.value) for key, value in members if key.value == "Type"), "")


def _check_references(sections: dict[str, _Section], framework: str, mistakes: _Mistakes) -> None:
    """Note each reference to a parameter or a resource that neither part has."""
    ours = {key.value: value for key, value in yaml.compose(framework, _LOADER).value}
    both = [ours, sections]
    parameters = {key.value for part in both for key, _ in _entries(part, "Parameters")}
    types = {key.value: _type(value) for part in both for key, value in _entries(part, "Resources")}
    names = references.Names(parameters, types)
    for section in sections.values():
        for node, fault in references.find_mistakes(section, names):
            mistakes.add(node, fault)


def _check_anchors(text: str, framework: str, root: yaml.Node | None, mistakes: _Mistakes) -> None:
    """Note anchors that the framework uses: its own later aliases would mean the wrong one."""
    both = _anchors(text) & _anchors(framework)
    if both and root is not None:
        names = ", ".join(f"&{name}" for name in sorted(both))
        mistakes.add(root, f"the framework has the anchor {names} already. Choose another name.")


def _anchors(text: str) -> set[str]:
    tokens = yaml.scan(text, _LOADER)
    return {token.value for token in tokens if isinstance(token, yaml.AnchorToken)}


def _names(framework: str) -> dict[str, set[str]]:
    """Return the names in each section of the framework's template."""
    root = yaml.compose(framework, _LOADER)
    parts = {key.value: value for key, value in root.value}
    return {section: {key.value for key, _ in parts[section].value} for section in _NAMED}


def _variables(sections: dict[str, _Section], mistakes: _Mistakes) -> Iterator[str]:
    """Yield each environment variable as a member of a JSON object."""
    seen: set[str] = set()
    for key, value in getattr(sections.get(_ENVIRONMENT), "value", ()):
        name = str(key.value)
        text = _substitution(value)
        if not _VARIABLE.fullmatch(name):
            mistakes.add(
                key,
                f"{name} cannot be a variable: use letters, digits and _, a letter first, and "
                "neither AWS_ nor NOWLATER_.",
            )
        elif name in seen:
            mistakes.add(key, f"{name} is there twice. Remove one of them.")
        elif text is None:
            mistakes.add(
                value,
                f"{name} must be a text, !Ref, !GetAtt or !Sub. Put numbers, true and false in "
                "quotation marks.",
            )
        else:
            yield f'"{name}": {json.dumps(text, ensure_ascii=False)}'
        seen.add(name)


def _substitution(value: yaml.Node) -> str | None:
    """Return a value as a text for `!Sub`; None if it cannot be one."""
    match value.tag, value.value:
        case "tag:yaml.org,2002:str", str(text):
            return text.replace("${", "${!")
        case (("!Ref" | "!GetAtt"), str(name)):
            return f"${{{name}}}"
        case "!Sub", str(text):
            return text
    return None


def _lines(text: str, value: yaml.Node) -> str:
    """Return the lines of a section, without the indentation that they share."""
    lines = text.splitlines(keepends=True)
    first, last = value.start_mark.line, value.end_mark.line
    if value.end_mark.column:  # the file ends without a line break
        last += 1
    while first and lines[first - 1].lstrip().startswith("#") and lines[first - 1][0] == " ":
        first -= 1  # comments between the section's name and its first entry
    shared = re.compile(f" {{0,{value.start_mark.column}}}")
    return "".join(shared.sub("", line, count=1) for line in lines[first:last]).rstrip() + "\n"
