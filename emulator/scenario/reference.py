"""Writes ``scenarios/REFERENCE.md`` and ``scenarios/scenario.schema.json`` from the models, or checks them.

``python -m emulator.scenario.reference --write`` after any change of the
schema; ``--check`` says what is stale and exits 1.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from emulator.scenario.jsonschema import Json, scenario_schema
from emulator.scenario.nodes import resolve_scalar

if TYPE_CHECKING:
    from collections.abc import Iterator

SCENARIOS: Final = Path(__file__).resolve().parents[2] / "scenarios"
REFERENCE: Final = "REFERENCE.md"
SCHEMA: Final = "scenario.schema.json"

_HEAD: Final = """\
# Scenario reference

<!-- Written by `python -m emulator.scenario.reference --write` from the models; edit those. -->

Every key of a scenario file, version 1. Files are YAML 1.2 in UTF-8. Unknown keys, duplicate keys, tags and
merge keys are refused; aliases are read. `validate FILE` lists every mistake with its line and column. With
`# yaml-language-server: $schema=scenario.schema.json` in the first line, editors complete keys.

| quantity | written | kept as |
|---|---|---|
| duration | with `ns`, `us`, `ms`, `s`, `min`, `h` or `d`; at most ten years | whole nanoseconds, exactly |
| rate | `36k/s`, `90/min`, `5/h`, `1/d`; prefixes `k`, `M`, `G`, `T` | events a second |
| size | `697kB`; prefixes `k`, `M`, `G`, `T`, `P`, decimal | bytes |
| bandwidth | `100Gbps`; prefixes `k`, `M`, `G`, `T`, decimal | bits a second |
| share | `5%` or `0.05` | 0 to 1 |
| prefix | `203.0.113.0/24`, `2001:db8::/32`; no bits set beyond the length | its canonical text |

An expectation is a metric, one of `<`, `<=`, `==`, `!=`, `>=`, `>`, and a value or a second metric. A metric
is a path into `summary.json` that starts with a strategy's name, with `event[0]` (events count from 0, in the
order of the timeline; repairs made by `repair_after` come after them) or with `routes`, `paths` or `network`.
Names with dots stand in brackets. A value is a number in the metric's unit, a number with a unit (`1min`
suits metrics in `_s` and `_ms`, `0.1%` all others), `true`, `false` or a quoted text; a list compares as its
items joined by blanks.
"""


def reference_text() -> str:
    """Return the reference page: one heading a key, in the schema's order."""
    schema = scenario_schema()
    return "\n".join([_HEAD, *_keys(schema, schema, "", ())]).rstrip("\n") + "\n"


def schema_text() -> str:
    """Return the JSON Schema as the file holds it."""
    return json.dumps(scenario_schema(), indent=2, ensure_ascii=False) + "\n"


def files() -> dict[str, str]:
    """Return what the generated files should hold, by name."""
    return {REFERENCE: reference_text(), SCHEMA: schema_text()}


def stale(folder: Path = SCENARIOS) -> list[str]:
    """Return the names of the generated files in ``folder`` that are not what they should be."""
    return [
        name
        for name, text in files().items()
        if not (folder / name).is_file() or (folder / name).read_text(encoding="utf-8") != text
    ]


def _keys(root: Json, shape: Json, path: str, inside: tuple[str, ...]) -> Iterator[str]:
    """One block for each key of a mapping, then for the mappings that it may hold."""
    for key, entry in shape.get("properties", {}).items():
        where = f"{path}.{key}" if path else key
        yield _block(root, key, entry, where, required=key in shape.get("required", ()))
        held = list(_held(entry, ""))
        for suffix, reference in held:
            name = reference.rsplit("/", 1)[-1]
            definition = root["$defs"][name]
            if name in inside or (name == "SpeakerSpec" and where != "bgp"):  # said once, under `bgp`
                continue
            if len(held) > 1:
                label = next(one for one in definition["required"] if one != "at")
                kind = definition["properties"].get("kind", {}).get("const")
                label = f"kind: {kind}" if kind else label
                yield f"### `{where}{suffix}`, with `{label}`\n\n{definition['description']}\n"
            yield from _keys(root, definition, where + suffix, (*inside, name))


def _held(entry: Json, suffix: str) -> Iterator[tuple[str, str]]:
    """Where a key's value may hold mappings of fixed keys: path suffix and reference, in order."""
    if "$ref" in entry:
        yield suffix, entry["$ref"]
    for option in (*entry.get("oneOf", ()), *entry.get("anyOf", ())):
        yield from _held(option, suffix)
    if isinstance(entry.get("items"), dict):
        yield from _held(entry["items"], suffix + "[]")
    for kept in (*entry.get("patternProperties", {}).values(), entry.get("additionalProperties")):
        if isinstance(kept, dict):
            yield from _held(kept, suffix + ".NAME")


def _block(root: Json, key: str, entry: Json, where: str, *, required: bool) -> str:
    level = "##" if "." not in where and "[" not in where else "###"
    facts = [_kind(root, entry)]
    if required:
        facts.append("required")
    elif "default" in entry:
        facts.append(f"default `{_flow(entry['default'])}`")
    lines = [f"{level} `{where}`" if level == "###" else f"{level} {where}", ""]
    lines += [" · ".join(facts), "", entry.get("description", "")]
    examples = [f"`{key}: {_flow(example)}`" for example in entry.get("examples", ())]
    if examples:
        lines += ["", ("Example: " if len(examples) == 1 else "Examples: ") + ", ".join(examples)]
    return "\n".join([*lines, ""])


def _kind(root: Json, entry: Json) -> str:
    """Name what a key takes."""
    if "title" in entry:
        return str(entry["title"])
    words = entry.get("enum", [entry["const"]] if "const" in entry else [])
    if words:
        return " or ".join(f"`{_flow(one)}`" for one in words)
    options = [*entry.get("oneOf", ()), *entry.get("anyOf", ())]
    if options == root["$defs"]["Resolvers"]["properties"]["ttl_violators"]["anyOf"]:
        return "share"  # within a mapping, where pydantic drops titles
    if options:
        return " or ".join(dict.fromkeys(_kind(root, one) for one in options))
    if "$ref" in entry:
        return "mapping"
    return _plain_kind(root, entry)


def _plain_kind(root: Json, entry: Json) -> str:
    """Name a number, text, truth value, list or mapping, with its bounds."""
    what = entry.get("type")
    if what == "array":
        if "prefixItems" in entry:
            return "[" + ", ".join(_kind(root, one) for one in entry["prefixItems"]) + "]"
        return f"list of {_kind(root, entry['items'])}"
    if what == "object":
        kept: Json = next(iter(entry.get("patternProperties", {}).values()), {})
        return f"mapping to {_kind(root, kept)}" if kept else "mapping"
    if what in {"integer", "number"}:
        words = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
        bounds = [f"{sign} {_flow(entry[name])}" for name, sign in words.items() if name in entry]
        return ("whole number" if what == "integer" else "number") + (
            f" ({', '.join(bounds)})" if bounds else ""
        )
    return {"boolean": "`true` or `false`", "string": "text"}.get(str(what), "anything")


def _flow(value: Any) -> str:  # noqa: ANN401 - JSON
    """Write a value as YAML on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_flow(key)}: {_flow(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(int(value)) if value == int(value) else str(value)
    if not isinstance(resolve_scalar(value), str):
        return json.dumps(value)
    is_plain = re.fullmatch(r"[A-Za-z0-9+./%][A-Za-z0-9 ._%/:=<>\[\]()+-]*", value) and ": " not in value
    is_flow = not re.search(r"[\[\]]", value)
    return value if is_plain and is_flow else json.dumps(value, ensure_ascii=False)


def main(arguments: list[str]) -> int:
    """Write or check the generated files; returns the exit code."""
    if arguments == ["--write"]:
        for name, text in files().items():
            (SCENARIOS / name).write_text(text, encoding="utf-8")
        return 0
    if arguments != ["--check"]:
        sys.stderr.write("usage: python -m emulator.scenario.reference --write | --check\n")
        return 2
    wrong = stale()
    for name in wrong:
        sys.stderr.write(f"{SCENARIOS / name} is stale: run python -m emulator.scenario.reference --write\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
