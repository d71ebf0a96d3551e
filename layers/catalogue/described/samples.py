"""Makes samples for a document's examples: the simplest value that fits a JSON Schema."""

from typing import Any

import jsonschema

#: A schema that nests deeper refers to itself, and a longer example would not help readers.
_MAX_DEPTH = 12


def sample(schema: dict[str, Any]) -> Any:
    """Return a value that is valid for the schema; raises ValueError where none is found.

    `examples` and defaults of a schema come first, so an operation's author can choose the sample:
    `Annotated[str, Meta(examples=["To be, or not to be."])]`.
    """
    value = _Sampler(schema.get("$defs", {})).sample(schema)
    try:
        jsonschema.Draft202012Validator(schema).validate(value)
    except jsonschema.ValidationError as fault:
        raise ValueError(f"the sample {value!r} does not fit: {fault.message}") from fault
    return value


class _Sampler:
    def __init__(self, definitions: dict[str, Any]) -> None:
        self._definitions = definitions
        self._depth = 0

    def sample(self, schema: Any) -> Any:
        self._depth += 1
        try:
            if self._depth > _MAX_DEPTH:
                raise ValueError("the schema nests too deep for an example")
            return self._sample(schema)
        finally:
            self._depth -= 1

    def _sample(self, schema: Any) -> Any:
        if not isinstance(schema, dict):
            return None
        if "$ref" in schema:
            return self.sample(self._definitions[schema["$ref"].rpartition("/")[2]])
        for key in ("examples", "enum"):
            if schema.get(key):
                return schema[key][0]
        for key in ("const", "default"):
            if key in schema:
                return schema[key]
        for key in ("anyOf", "oneOf"):
            if key in schema:
                return self._sample_any(schema[key])
        return self._sample_by_type(schema)

    def _sample_any(self, schemas: list[Any]) -> Any:
        """Return a sample of the first schema that has one; null comes last."""
        for schema in sorted(schemas, key=lambda s: s.get("type") == "null"):
            try:
                return self.sample(schema)
            except ValueError as error:
                last = error
        raise last

    def _sample_by_type(self, schema: dict[str, Any]) -> Any:
        kind = schema.get("type")
        match kind[0] if isinstance(kind, list) else kind:
            case "object":
                members = schema.get("properties", {})
                return {name: self.sample(members.get(name)) for name in schema.get("required", [])}
            case "array":
                first = [self.sample(item) for item in schema.get("prefixItems", [])]
                missing = schema.get("minItems", 0) - len(first)
                count = max(missing, 0 if first or "items" not in schema else 1)
                return first + [self.sample(schema.get("items")) for _ in range(count)]
            case "string":
                return _text(schema)
            case "integer" | "number":
                return schema.get("minimum", schema.get("exclusiveMinimum", 0) + 1)
            case "boolean":
                return True
        return None


def _text(schema: dict[str, Any]) -> str:
    by_format = {
        "date-time": "2026-11-24T12:00:00Z",
        "date": "2026-11-24",
        "time": "12:00:00Z",
        "duration": "PT1H",
        "uuid": "019ac1d2-7b5e-7c31-8f44-5d1f3b0a9e77",
    }
    if "pattern" in schema:
        raise ValueError(f"no text is known to match {schema['pattern']}: give it `examples`")
    value: str = by_format.get(schema.get("format", ""), "text")
    return value.ljust(schema.get("minLength", 0), ".")[: schema.get("maxLength")]
