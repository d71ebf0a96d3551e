"""Samples: a value that fits a JSON Schema, as plain as can be, for a document's examples."""

from typing import Any

import jsonschema

#: A schema that nests deeper refers to itself; nobody learns from a longer example.
_DEEPEST = 12


def sample(schema: dict[str, Any]) -> Any:
    """Return a value that the schema takes; raises ValueError where none is found.

    The `examples` and defaults that a schema has come first, so an operation's author can say
    what is shown: `Annotated[str, Meta(examples=["To be, or not to be."])]`.
    """
    made = _Sampler(schema.get("$defs", {})).of(schema)
    try:
        jsonschema.Draft202012Validator(schema).validate(made)
    except jsonschema.ValidationError as fault:
        raise ValueError(f"the sample {made!r} does not fit: {fault.message}") from fault
    return made


class _Sampler:
    def __init__(self, definitions: dict[str, Any]) -> None:
        self._definitions = definitions
        self._depth = 0

    def of(self, schema: Any) -> Any:
        self._depth += 1
        try:
            if self._depth > _DEEPEST:
                raise ValueError("the schema nests too deep for an example")
            return self._of(schema)
        finally:
            self._depth -= 1

    def _of(self, schema: Any) -> Any:
        if not isinstance(schema, dict):
            return None
        if "$ref" in schema:
            return self.of(self._definitions[schema["$ref"].rpartition("/")[2]])
        for key in ("examples", "enum"):
            if schema.get(key):
                return schema[key][0]
        for key in ("const", "default"):
            if key in schema:
                return schema[key]
        for key in ("anyOf", "oneOf"):
            if key in schema:
                return self._first(schema[key])
        return self._typed(schema)

    def _first(self, schemas: list[Any]) -> Any:
        """Return a sample of the first that has one, of null at last."""
        for schema in sorted(schemas, key=lambda s: s.get("type") == "null"):
            try:
                return self.of(schema)
            except ValueError as none:
                last = none
        raise last

    def _typed(self, schema: dict[str, Any]) -> Any:
        kind = schema.get("type")
        match kind[0] if isinstance(kind, list) else kind:
            case "object":
                members = schema.get("properties", {})
                return {name: self.of(members.get(name)) for name in schema.get("required", [])}
            case "array":
                first = [self.of(item) for item in schema.get("prefixItems", [])]
                lacking = schema.get("minItems", 0) - len(first)
                wanted = max(lacking, 0 if first or "items" not in schema else 1)
                return first + [self.of(schema.get("items")) for _ in range(wanted)]
            case "string":
                return _text(schema)
            case "integer" | "number":
                return schema.get("minimum", schema.get("exclusiveMinimum", 0) + 1)
            case "boolean":
                return True
        return None


def _text(schema: dict[str, Any]) -> str:
    known = {
        "date-time": "2026-11-24T12:00:00Z",
        "date": "2026-11-24",
        "time": "12:00:00Z",
        "duration": "PT1H",
        "uuid": "019ac1d2-7b5e-7c31-8f44-5d1f3b0a9e77",
    }
    if "pattern" in schema:
        raise ValueError(f"no text is known to match {schema['pattern']}: give it `examples`")
    said: str = known.get(schema.get("format", ""), "text")
    return said.ljust(schema.get("minLength", 0), ".")[: schema.get("maxLength")]
