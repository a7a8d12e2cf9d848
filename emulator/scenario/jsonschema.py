"""The JSON Schema of scenario files (2020-12), for editors: completion, hovers, red underlines.

Pydantic's own, with what only Python cares about taken out: titles made of
attribute names, alternatives of null, and defaults in nanoseconds.
"""

from __future__ import annotations

from typing import Any, Final

from pydantic.json_schema import GenerateJsonSchema

from emulator.scenario.fields import Shape
from emulator.scenario.schema import Scenario

Json = dict[str, Any]
_UNIT_TITLES: Final = frozenset(
    {
        "AS number",
        "bandwidth",
        "class",
        "community",
        "duration",
        "expectation",
        "large community",
        "name",
        "prefix",
        "rate",
        "router id",
        "router name",
        "share",
        "signed duration",
        "size",
    }
)


class _InOrder(GenerateJsonSchema):
    """Pydantic's generator without its sorting of keys: examples read as they were written."""

    def sort(self, value: Json, parent_key: str | None = None) -> Json:  # noqa: ARG002
        """Leave ``value`` in its order."""
        return value


def scenario_schema() -> Json:
    """Return the schema of a whole scenario file."""
    made = _cleaned(Scenario.model_json_schema(schema_generator=_InOrder))
    shapes = {shape.__name__: shape for shape in _shapes(Shape)}
    for name, definition in [*made["$defs"].items(), (Scenario.__name__, made)]:
        _write_defaults(shapes[name], definition)
    made.pop("title", None)
    # pydantic's order depends on which models were needed before
    made["$defs"] = dict(sorted(made["$defs"].items()))
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Scenario of ipa-emulator, version 1",
        **made,
    }


def default_text(shape: type[Shape], name: str) -> Any:  # noqa: ANN401 - JSON
    """Return a key's default as a scenario would write it; None where it has none that could be written."""
    info = shape.model_fields[name]
    if info.is_required() or info.get_default(call_default_factory=True) is None:
        return None
    written = shape.model_construct().model_dump(
        mode="json", by_alias=True, exclude_none=True, include={name}
    )
    return written[info.alias or name]


def _shapes(base: type[Shape]) -> list[type[Shape]]:
    """Return all models below ``base``, in order of definition."""
    return [shape for child in base.__subclasses__() for shape in (child, *_shapes(child))]


def _write_defaults(shape: type[Shape], definition: Json) -> None:
    for name, info in shape.model_fields.items():
        entry = definition["properties"][info.alias or name]
        entry.pop("default", None)
        default = default_text(shape, name)
        if default is not None and not isinstance(default, dict) and default not in ("", []):
            entry["default"] = default


def _cleaned(schema: Any) -> Any:  # noqa: ANN401 - JSON of any shape
    """Take pydantic's habits out, all the way down."""
    if isinstance(schema, list):
        return [_cleaned(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {key: value for key, value in schema.items() if key != "title" or value in _UNIT_TITLES}
    options = [one for one in kept.get("anyOf", ()) if one != {"type": "null"}]
    if "anyOf" in kept and len(options) == 1:
        del kept["anyOf"]
        kept = {**options[0], **kept}
    elif options:
        kept["anyOf"] = options
    plain = {"examples", "default", "const", "enum", "required"}
    cleaned = {key: value if key in plain else _cleaned(value) for key, value in kept.items()}
    if "properties" in kept:  # keys of a scenario may be called "title" too
        cleaned["properties"] = {name: _cleaned(entry) for name, entry in kept["properties"].items()}
    if cleaned.get("title") == "name" and "properties" in cleaned:
        del cleaned["title"]
    return cleaned
