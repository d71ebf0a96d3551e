"""Where an input does not fit its schema: the exception that the generated validators raise."""

import ast
import re
from typing import Any

#: A step of a path such as `data.lines[3].'a.b'`: members that the caller named are quoted.
_STEP = re.compile(
    r"""\[(\d+)\]|\.('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")|\.([^.\['"]+)""",
)


class InvalidInput(ValueError):
    """A value that breaks a rule of a JSON Schema; the constructor is fastjsonschema's."""

    def __init__(
        self,
        message: str,
        value: Any = None,
        name: str = "",
        definition: Any = None,
        rule: str = "",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.name = name
        self.definition = definition
        self.rule = rule

    def pointer(self) -> str:
        """Return the JSON Pointer (RFC 6901) of the fault."""
        return "".join(f"/{_escaped(step)}" for step in _STEP.findall(self.name))

    def sentence(self) -> str:
        """Return what is wrong, without the name of the place."""
        said = self.message.removeprefix(self.name).strip()
        return said.replace(
            "cannot be validated by any definition", "has none of the allowed forms"
        )


def _escaped(step: tuple[str, str, str]) -> str:
    index, quoted, name = step
    member = str(ast.literal_eval(quoted)) if quoted else index or name
    return member.replace("~", "~0").replace("/", "~1")
