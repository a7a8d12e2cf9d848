"""Whatever the file holds, the loader returns a scenario or raises `ScenarioError`: never anything else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from emulator.errors import Problem, ScenarioError
from emulator.scenario.loader import load, loads
from emulator.scenario.schema import LabNetwork

SCENARIOS = Path(__file__).parents[2] / "scenarios"
VALID = [path.read_bytes() for path in sorted(SCENARIOS.glob("*.yaml"))]


def message(data: bytes | str) -> str:
    """The first problem of text that must not be accepted."""
    with pytest.raises(ScenarioError) as caught:
        loads(data, "s.yaml")
    return str(caught.value.problems[0])


def billion_laughs() -> str:
    """Ten lists of ten aliases each: 10^10 values in 600 bytes."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 10)]
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "s.yaml: expected a scenario with `version`, `name` and `network`, got an empty file"),
        (b"\n \n", "s.yaml: expected a scenario with `version`, `name` and `network`, got an empty file"),
        (
            b"# only this\n",
            "s.yaml: expected a scenario with `version`, `name` and `network`, got an empty file",
        ),
        (
            b"- 1\n",
            "s.yaml:1:1: expected a scenario, a mapping with `version`, `name` and `network`, got a list",
        ),
        (
            b"lab",
            "s.yaml:1:1: expected a scenario, a mapping with `version`, `name` and `network`, got 'lab'",
        ),
        (
            b"---\n",
            "s.yaml:2:1: expected a scenario, a mapping with `version`, `name` and `network`, got nothing",
        ),
        (b"a: 1\n---\nb: 2\n", "s.yaml:2:1: expected one document, got a second one"),
        (b"%YAML 1.1\n---\na: 1\n", "s.yaml:2:1: expected YAML 1.2, got the directive %YAML 1.1"),
        (b"a: 1\n\tb: 2\n", "s.yaml:2:1: a tab cannot indent or start a value here: use spaces"),
        (b"a: b: c\n", "s.yaml:1:5: a ': ' is not expected here: quote the text, or mend the indentation"),
        (b"a: [1, 2\n", "s.yaml:2:1: not YAML: while parsing a flow sequence"),
        (b"a: 'x\n", "s.yaml:2:1: not YAML: while scanning a quoted scalar"),
        (b"ab\0c", "s.yaml:1:3: expected text, got a NUL byte: a binary file?"),
        (b"\x89PNG\r\n\x1a\n", "s.yaml:1:1: expected UTF-8, got the byte 0x89"),
        ("a: grün\n".encode("latin-1"), "s.yaml:1:6: expected UTF-8, got the byte 0xfc"),
        (
            "a: 1".encode("utf-16"),
            "s.yaml: expected UTF-8, got UTF-16 (by its byte order mark): save it as UTF-8",
        ),
        (
            "a: 1".encode("utf-32"),
            "s.yaml: expected UTF-8, got UTF-32 (by its byte order mark): save it as UTF-8",
        ),
        (b"a: x\x1b[31m\n", "s.yaml:1:5: expected text, got the control character U+001B"),
        (b"\xed\xa0\x80", "s.yaml:1:1: expected UTF-8, got the byte 0xed"),
        (b"x" * (4 * 1024 * 1024 + 1), "s.yaml: expected at most 4 MiB, got 4.0 MiB"),
        (b"[" * 10_000, "s.yaml:1:33: expected at most 32 levels of nesting, got more"),
        (b"{a: " * 10_000, "s.yaml:1:129: expected at most 32 levels of nesting, got more"),
        (b"- " * 10_000, "s.yaml:1:65: expected at most 32 levels of nesting, got more"),
        (b"a: &a [*a]\n", "s.yaml:1:1: a: unknown key 'a'; known keys: version"),
        (
            billion_laughs(),
            "s.yaml:5:5: expected at most 500,000 values, got more with the aliases written out",
        ),
        ("a: " + "9" * 5_000, "s.yaml:1:1: a: unknown key 'a'; known keys: version"),
        (
            '"a\\e[31m\\nb": 1',
            "s.yaml:1:1: a\\x1b[31m\\nb: unknown key 'a\\x1b[31m\\nb'; known keys: version",
        ),
        ("? " * 31 + "x", "s.yaml:1:1: name: missing key 'name'"),
    ],
    ids=lambda value: repr(value[:20]),
)
def test_every_kind_of_file_has_its_own_message(data: bytes | str, expected: str) -> None:
    """Empty, binary, deep, huge, recursive, in another encoding: the message names the reason."""
    assert message(data)[: len(expected)] == expected


def test_a_self_containing_alias_is_named() -> None:
    """A list that contains itself cannot be written out."""
    with pytest.raises(ScenarioError) as caught:
        loads("name: &a [*a]\n")

    assert any("it stands inside what it repeats" in one.message for one in caught.value.problems)


def test_aliases_within_bounds_are_read() -> None:
    """An anchor and its aliases are the same value, wherever it is used."""
    text = (
        "version: 1\nname: x\nnetwork:\n  routers: {a: &one {asn: 1}, b: *one}\n"
        "  links: [{ends: [a, b], delay: 1ms}]\n"
    )

    network = loads(text).document.network

    assert isinstance(network, LabNetwork)
    assert [router.asn for router in network.routers.values()] == [1, 1]


def test_yaml_1_2_scalars_are_read_as_written() -> None:
    """Country codes, clock times and words that YAML 1.1 would turn into something else stay text."""
    routers = "{NO: {asn: 010, city: 12:30}, yes: {asn: 0x10, city: 1_000}}"
    document = loads(f"version: 1\nname: off\nnetwork: {{routers: {routers}}}\n").document

    assert isinstance(document.network, LabNetwork)
    assert document.name == "off"
    assert {name: (router.asn, router.city) for name, router in document.network.routers.items()} == {
        "NO": (10, "12:30"),
        "yes": (16, "1_000"),
    }


def test_utf_8_with_a_byte_order_mark_is_read() -> None:
    """Editors on Windows write one."""
    assert loads(b"\xef\xbb\xbf" + VALID[0]).document == loads(VALID[0]).document


def test_windows_line_ends_are_read_with_right_places() -> None:
    """CR LF is one line end."""
    assert message(b"version: 1\r\nname: x\r\nnetwork: 5\r\n").startswith("s.yaml:3:10: network: ")


@pytest.mark.parametrize("name", ["missing.yaml", "folder", "pipe", "a\0b"])
def test_what_is_no_readable_file(tmp_path: Path, name: str) -> None:
    """Missing files, folders, pipes and impossible names are wrong input; opening a pipe would hang."""
    (tmp_path / "mising.yaml").touch()
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    expected = {
        "missing.yaml": "no such file (did you mean 'mising.yaml'?)",
        "folder": "expected a scenario file, got a folder",
        "pipe": "expected a scenario file, got a pipe, socket or device",
        "a\0b": "cannot be read: not a file name",
    }

    with pytest.raises(ScenarioError) as caught:
        load(tmp_path / name)

    assert [problem.message for problem in caught.value.problems] == [expected[name]]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    """Permissions are named."""
    secret = tmp_path / "secret.yaml"
    secret.touch(mode=0)

    with pytest.raises(ScenarioError, match="not allowed to read this file"):
        load(secret)


def survives(data: bytes | str) -> None:
    """The property: a document, or a `ScenarioError` whose every problem has a message."""
    problems: tuple[Problem, ...] = ()
    try:
        loads(data)
    except ScenarioError as error:
        problems = error.problems
        assert problems
    assert all(problem.message and str(problem).isprintable() for problem in problems)
    assert list(problems) == sorted(problems)


quick = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=150)


@quick
@given(st.binary(max_size=300))
@example(b"\xff\xfe")
def test_arbitrary_bytes(data: bytes) -> None:
    """Bytes of any kind."""
    survives(data)


@quick
@given(st.text(max_size=300))
@example("a: \ud800")
def test_arbitrary_text(text: str) -> None:
    """Text of any kind."""
    survives(text)


@quick
@given(st.text(alphabet="[]{}:,-?&*!|>'\"%@`#~ \n\tab1<", max_size=80))
def test_text_made_of_yaml_punctuation(text: str) -> None:
    """What the YAML parser itself trips over."""
    survives(text)


@quick
@given(
    st.sampled_from(VALID),
    st.lists(
        st.tuples(
            st.integers(0, 2000),
            st.integers(0, 12),
            st.binary(max_size=8) | st.sampled_from([b"- ", b"[", b"&a ", b"*a"]),
        ),
        min_size=1,
        max_size=4,
    ),
)
def test_mutated_scenarios(data: bytes, edits: list[tuple[int, int, bytes]]) -> None:
    """A right scenario with pieces cut out and others put in."""
    for at, length, new in edits:
        data = data[:at] + new + data[at + length :]
    survives(data)


scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=12)
    | st.sampled_from(["10ms", "r0", "5%", "203.0.113.0/24", "ipa", "off", "36k/s"])
)


@quick
@given(
    st.dictionaries(
        st.sampled_from(
            [
                "version",
                "name",
                "seed",
                "network",
                "bgp",
                "igp",
                "timeline",
                "phases",
                "strategies",
                "clients",
                "expect",
            ]
        ),
        st.recursive(
            scalars,
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(
                        [
                            "routers",
                            "links",
                            "ends",
                            "at",
                            "cut",
                            "kind",
                            "mrai",
                            "world",
                            "cdn",
                            "asn",
                            "hosts",
                        ]
                    ),
                    inner,
                    max_size=3,
                )
            ),
            max_leaves=12,
        ),
    )
)
def test_values_of_the_wrong_shape(document: dict[str, object]) -> None:
    """The right keys with any values under them (JSON is YAML)."""
    import json

    survives(json.dumps(document))
