"""Where an input does not fit its schema: the exception that the generated validators raise."""

import re
from typing import Any

_STEP = re.compile(r"\[(\d+)\]")


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

    def pointer(self, document: Any) -> str:
        """Return the JSON Pointer (RFC 6901) of the fault in the document that was checked."""
        rest, pointer = self.name.removeprefix("data"), ""
        while rest:
            step, rest = _first_step(rest, document)
            pointer += "/" + str(step).replace("~", "~0").replace("/", "~1")
            document = document[step]
        return pointer

    def sentence(self) -> str:
        """Return what is wrong, without the name of the place."""
        said = self.message.removeprefix(self.name).strip()
        return said.replace(
            "cannot be validated by any definition", "has none of the allowed forms"
        )


def _first_step(path: str, document: Any) -> tuple[str | int, str]:
    """Split a path like `.lines[3].name` after its first step; members may contain dots."""
    if isinstance(document, list) and (index := _STEP.match(path)):
        return int(index[1]), path[index.end() :]
    members = [m for m in document if path.startswith(f".{m}")]
    member = max(members, key=len)
    return member, path[len(member) + 1 :]
