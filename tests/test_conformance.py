"""The page of RFCs (``emulator/bgp/README.md``) is true in what a program can check.

Its table of presets is written by ``python tests/test_conformance.py``.
"""

from __future__ import annotations

import ast
import re
from dataclasses import fields
from enum import Enum
from functools import cache
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from emulator.bgp.config import SpeakerConfig
from emulator.bgp.decision import TieBreak
from emulator.bgp.liveness import SessionConfig
from emulator.bgp.presets import PRESETS
from emulator.units import format_duration

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).parents[1]
PAGE: Final = ROOT / "emulator" / "bgp" / "README.md"
TEXT: Final = PAGE.read_text(encoding="utf-8")
EXCUSES: Final = ("not done", "by design")
CITED: Final = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
NAMED: Final = re.compile(r"\bRFCs?\s+(\d{4})((?:,\s+(?:and\s+)?\d{4}\b(?!\s*:))*)")
BLOCK: Final = re.compile(r"(<!-- presets -->\n).*(<!-- /presets -->)", re.DOTALL)
RATHER_MANY: Final = 30
"""RFCs and tests there are more of; fewer, and a search finds nothing any more."""


def rows(text: str = TEXT) -> Iterator[tuple[str, ...]]:
    """The cells of every row of a table whose last column is of tests, heads and rules left out."""
    has_tests = False
    for line in text.splitlines():
        cells = tuple(cell.strip() for cell in line.strip("|").split("|")) if line.startswith("|") else ()
        if not cells:
            has_tests = False
        elif cells[-1] == "tests":
            has_tests = True
        elif has_tests and set(cells[0]) != {"-"}:
            yield cells


def rfcs(text: str) -> set[str]:
    """Numbers of the RFCs that ``text`` names, those in lists (``RFC 6472, 9774``) included."""
    return set(
        chain.from_iterable((first, *re.findall(r"\d{4}", more)) for first, more in NAMED.findall(text))
    )


def mentioned_only() -> str:
    """The paragraph of RFCs that are not spoken or kept, but named."""
    (paragraph,) = re.findall(r"\*\*Mentioned only\*\*.*?\n\n", TEXT, re.DOTALL)
    return str(paragraph)


@cache
def found_in(path: str) -> frozenset[str]:
    """The test functions of a file, as pytest would collect them; none of a file that it would pass over."""
    file = ROOT / path
    if not (file.is_file() and file.name.startswith("test_")):
        return frozenset()
    body = ast.parse(file.read_text(encoding="utf-8")).body
    return frozenset(
        node.name for node in body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    )


@cache
def named_in_code() -> dict[str, str]:
    """RFC number -> the first module that names it."""
    found: dict[str, str] = {}
    for path in sorted((ROOT / "emulator").rglob("*.py")):
        for number in sorted(rfcs(path.read_text(encoding="utf-8"))):
            found.setdefault(number, path.relative_to(ROOT).as_posix())
    return found


# The presets ----------------------------------------------------------------------


def shown(value: Any) -> str:  # noqa: ANN401 - any setting's value
    """A setting as people write it."""
    match value:
        case bool():
            return "yes" if value else "no"
        case TieBreak():
            names = [field.name for field in fields(value) if getattr(value, field.name)]
            return ", ".join(names).replace("_", " ").replace("incumbent", "current best") or "identifier"
        case (low, high):
            return "none" if low == high == 1 else f"{low:g} to {high:g}"
        case Enum():
            return str(value.value)
        case _:
            return format_duration(value)


def named_in_presets() -> list[str]:
    """The settings that at least one preset names, in the order of the configurations' fields."""
    tree = ast.parse((ROOT / "emulator" / "bgp" / "presets.py").read_text(encoding="utf-8"))
    named = {node.arg for node in ast.walk(tree) if isinstance(node, ast.keyword)}
    return [field.name for field in (*fields(SpeakerConfig), *fields(SessionConfig)) if field.name in named]


def presets_table() -> str:
    """Every setting that some preset names: unset, and by preset."""
    head = ["setting", "unset", *PRESETS]
    lines = [head, ["---"] * len(head), ["version", "-", *(each.version for each in PRESETS.values())]]
    for name in named_in_presets():
        part = "speaker" if name in SpeakerConfig.__dataclass_fields__ else "session"
        unset = SpeakerConfig() if part == "speaker" else SessionConfig()
        values = [unset, *(getattr(each, part) for each in PRESETS.values())]
        lines.append([f"`{name}`", *(shown(getattr(each, name)) for each in values)])
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


# The tests ------------------------------------------------------------------------


def test_every_test_cited_exists() -> None:
    """By file and name, where pytest collects it."""
    cited = CITED.findall(TEXT)

    assert len(cited) > RATHER_MANY
    assert [f"{path}::{name}" for path, name in cited if name not in found_in(path)] == []


def test_nothing_is_cited_in_another_form() -> None:
    """What looks like a test is one that the test above sees; `pytest FILE::NAME` in running text too."""
    assert TEXT.count(".py::") == len(CITED.findall(TEXT)) + TEXT.count(
        "`pytest tests/bgp/test_fsm.py::test_idle`"
    )
    assert "test_idle" in found_in("tests/bgp/test_fsm.py")


@pytest.mark.parametrize("row", list(rows()), ids=lambda row: row[0])
def test_every_row_has_a_test_or_says_that_there_is_none(row: tuple[str, ...]) -> None:
    """The last cell cites tests and nothing else, or is one of two excuses."""
    rest = CITED.sub("", row[-1]).strip(", ")

    assert rest == "" if CITED.search(row[-1]) else rest in EXCUSES


def test_every_row_has_all_its_cells() -> None:
    """A bar too many or too few moves tests into another column."""
    widths = {len(row) for row in rows()}

    assert len(list(rows())) > RATHER_MANY
    assert widths == {3, 4}


def test_every_rfc_that_the_program_names_is_on_the_page() -> None:
    """In a table, or in the list of those that are mentioned only."""
    assert len(named_in_code()) > RATHER_MANY
    assert {number: path for number, path in named_in_code().items() if number not in rfcs(TEXT)} == {}


def test_what_is_mentioned_only_is_mentioned() -> None:
    """The program names it; no row begins with it."""
    mentioned = rfcs(mentioned_only())
    spoken = set(chain.from_iterable(rfcs(row[0]) for row in rows()))

    assert sorted(mentioned - named_in_code().keys()) == []
    assert sorted(mentioned & spoken) == []


def test_lists_of_rfcs_are_read() -> None:
    """The search finds all of a list, across lines too, and takes no section or count for an RFC."""
    assert rfcs("RFC 6472, 9774 and RFC\n1997; RFC 4271 9.2, RFC 4760, 20 of 4096") == {
        "6472",
        "9774",
        "1997",
        "4271",
        "4760",
    }


def test_every_setting_that_differs_is_shown() -> None:
    """A preset cannot set anything that the table leaves out."""
    named = named_in_presets()
    for each in PRESETS.values():
        for made, unset in ((each.speaker, SpeakerConfig()), (each.session, SessionConfig())):
            changed = [
                name for name in made.__dataclass_fields__ if getattr(made, name) != getattr(unset, name)
            ]
            assert [name for name in changed if name not in named] == []


def test_the_presets_shown_are_the_presets() -> None:
    """`python tests/test_conformance.py` writes them."""
    (_, shown_now, _) = re.split(r"<!-- /?presets -->\n", TEXT)

    assert presets_table() == shown_now


if __name__ == "__main__":
    PAGE.write_text(BLOCK.sub(lambda it: it[1] + presets_table() + it[2], TEXT), encoding="utf-8")
