"""The OpenAPI document as a judge: whether it describes an answer."""

import json
import re
from functools import cache
from typing import Any

import jsonschema_rs

_REF = "#/components/"
#: Where a door serves operations that are not in the document.
_DOOR = re.compile(r"(?P<method>POST) /(?P<door>sync|async|hybrid)/[^/]+")


class Contract:
    """Checks answers against a document; each schema is compiled when it is first needed.

    Where the document lists an object's members, there are no others: what a client may ignore is
    what the document must not forget.
    """

    def __init__(self, document: dict[str, Any]) -> None:
        self._paths = document["paths"]
        self._components = {
            name: {k: closed(v) for k, v in parts.items()} if name == "schemas" else parts
            for name, parts in document["components"].items()
        }
        self._patterns = [
            (re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path))), path)
            for path in document["paths"]
        ]
        self._validator = cache(self._compiled)

    def check(
        self, method: str, path: str, status: int, headers: dict[str, str], body: bytes
    ) -> None:
        """Fail where this route has no such answer; `headers` have names in lower case.

        What the document does not list is no route of it, and is not judged. HEAD, which it does not
        list, is GET without the body.
        """
        is_head = method == "HEAD"
        found = self._operation("GET" if is_head else method, path)
        if found is None:
            return
        key, operation, is_known = found
        place = f"{method} {path} → {status}"
        assert str(status) in operation["responses"], f"{place} is not in the document: {body!r}"
        response = self._resolved(operation["responses"][str(status)])
        self._check_headers(place, response, headers)
        if is_head:
            assert not body, f"{place} has a body"
            return
        if status == 200 and not is_known:
            return  # what that operation returns is not in the document
        content = response.get("content", {})
        if not content:
            assert not body, f"{place} has a body"
            return
        given = headers.get("content-type", "").partition(";")[0]
        kind = given if given in content else "*/*"
        assert kind in content, f"{place} is {given or 'without a type'}, not {list(content)}"
        is_made_here = "content-security-policy" not in headers  # else an operation's bytes
        if given.endswith("json") and is_made_here:
            self._check_body(place, (key, str(status), kind), body)

    def _operation(self, method: str, path: str) -> tuple[tuple[str, str], Any, bool] | None:
        verb = method.lower()
        for pattern, known in self._patterns:
            if pattern.fullmatch(path) and verb in self._paths[known]:
                return (known, verb), self._paths[known][verb], True
        if door := _DOOR.fullmatch(f"{method} {path}"):
            known = next(p for p in self._paths if p.startswith(f"/{door['door']}/"))
            return (known, verb), self._paths[known][verb], False
        return None

    def _check_headers(self, place: str, response: Any, headers: dict[str, str]) -> None:
        described = {
            name.lower(): self._resolved(h) for name, h in response.get("headers", {}).items()
        }
        surplus = headers.keys() - described.keys() - {"content-type"}
        lacking = {name for name, h in described.items() if h["required"]} - headers.keys()
        assert not surplus, f"{place} has headers that are not in the document: {surplus}"
        assert not lacking, f"{place} lacks {lacking}"
        for name, header in described.items():
            schema, value = header["schema"], headers.get(name)
            if value is not None and schema["type"] == "integer":
                assert int(value) >= schema.get("minimum", 0), f"{place}: {name}: {value}"
            elif value is not None:
                assert value == schema.get("const", value), f"{place}: {name}: {value}"

    def _check_body(self, place: str, key: tuple[tuple[str, str], str, str], body: bytes) -> None:
        try:
            self._validator(*key).validate(json.loads(body))
        except jsonschema_rs.ValidationError as fault:
            raise AssertionError(f"{place}: {fault}") from fault

    def _compiled(self, route: tuple[str, str], status: str, kind: str) -> Any:
        path, verb = route
        response = self._resolved(self._paths[path][verb]["responses"][status])
        schema = closed(response["content"][kind]["schema"])
        return jsonschema_rs.Draft202012Validator({**schema, "components": self._components})

    def _resolved(self, part: Any) -> Any:
        while "$ref" in part:
            kind, _, name = part["$ref"].removeprefix(_REF).partition("/")
            part = self._components[kind][name]
        return part


def closed(schema: Any) -> Any:
    """Return a schema by which an object has no members beside those that are listed."""
    if isinstance(schema, list):
        return [closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: closed(part) for key, part in schema.items()}
    if isinstance(schema.get("properties"), dict):
        made.setdefault("additionalProperties", False)
    return made
