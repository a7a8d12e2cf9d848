"""Quantities parse exactly, or not at all, and are written so that they parse again."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator import units
from emulator.errors import UnitError


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("0s", 0),
        ("1ns", 1),
        ("35ms", 35_000_000),
        ("0.1s", 100_000_000),
        (".5us", 500),
        ("1.5min", 90_000_000_000),
        ("2 h", 7_200_000_000_000),
        (" 1d ", 86_400_000_000_000),
        ("0.3ms", 300_000),
    ],
)
def test_durations_are_whole_nanoseconds(text: str, nanoseconds: int) -> None:
    """Decimal fractions are exact: 0.3 ms is 300,000 ns, whatever binary floats make of it."""
    assert units.parse_duration(text) == nanoseconds


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "expected a duration"),
        ("10", "known units: ns, us, ms, s, min, h, d"),
        ("10m", "known units"),
        ("10 MS", "known units"),
        ("0.4ns", "finer than 1 ns"),
        ("-4ms", "negative"),
        ("1e3s", "known units"),
        ("1_000s", "known units"),
        ("٣s", "expected a duration"),
        ("1s 2s", "expected a duration"),
        ("9" * 100 + "s", "expected a duration"),
    ],
)
def test_what_is_no_duration_is_refused_with_the_reason(text: str, reason: str) -> None:
    """No guess is made about a missing unit, and nothing is rounded."""
    with pytest.raises(UnitError, match=reason):
        units.parse_duration(text)


def test_signed_durations_are_read_where_they_mean_something() -> None:
    """A difference of times may be written with its sign."""
    assert [units.parse_duration(text, signed=True) for text in ("+80ms", "-80ms", "80ms")] == [
        80_000_000,
        -80_000_000,
        80_000_000,
    ]


@pytest.mark.parametrize(
    ("parse", "text", "value"),
    [
        (units.parse_rate, "36k/s", 36_000.0),
        (units.parse_rate, "90/min", 1.5),
        (units.parse_rate, "86400/d", 1.0),
        (units.parse_size, "697kB", 697_000.0),
        (units.parse_size, "66PB", 66e15),
        (units.parse_bandwidth, "100Gbps", 100e9),
        (units.parse_share, "8.74%", 0.0874),
        (units.parse_share, "0.05", 0.05),
        (units.parse_share, "100%", 1.0),
    ],
)
def test_other_quantities(parse: object, text: str, value: float) -> None:
    """Each lands in the unit that its function names, as the float nearest to the written number."""
    assert parse(text) == value  # type: ignore[operator]


@pytest.mark.parametrize(
    ("parse", "text"),
    [
        (units.parse_rate, "36k"),
        (units.parse_rate, "-1/s"),
        (units.parse_size, "5KB"),
        (units.parse_bandwidth, "100Gbit"),
        (units.parse_share, "101%"),
        (units.parse_share, "-1%"),
    ],
)
def test_other_quantities_refuse_what_they_do_not_know(parse: object, text: str) -> None:
    """Missing and foreign units, and values that cannot be."""
    with pytest.raises(UnitError):
        parse(text)  # type: ignore[operator]


@given(st.integers(-(2**63), 2**63))
def test_durations_survive_being_written(nanoseconds: int) -> None:
    """``parse(format(x)) == x`` for every duration that 64 bits hold."""
    text = units.format_duration(units.Duration(nanoseconds))

    assert units.parse_duration(text, signed=True) == nanoseconds


positive = st.floats(min_value=1e-12, max_value=1e18) | st.just(0.0) | st.integers(0, 10**15).map(float)


@given(positive)
def test_rates_sizes_and_bandwidths_survive_being_written(value: float) -> None:
    """``parse(format(x)) == x``, to the last bit."""
    assert units.parse_rate(units.format_rate(value)) == value
    assert units.parse_size(units.format_size(value)) == value
    assert units.parse_bandwidth(units.format_bandwidth(value)) == value


@given(st.floats(1e-15, 1) | st.just(0.0))
def test_shares_survive_being_written(value: float) -> None:
    """``parse(format(x)) == x``, to the last bit."""
    assert units.parse_share(units.format_share(value)) == value


@given(st.text(max_size=80))
def test_arbitrary_text_parses_or_is_refused(text: str) -> None:
    """No parser raises anything but `UnitError`."""
    parsers = (
        units.parse_duration,
        units.parse_rate,
        units.parse_size,
        units.parse_bandwidth,
        units.parse_share,
    )
    for parse in parsers:
        with suppress(UnitError):
            assert parse(text) == parse(text.strip())


@pytest.mark.parametrize(
    ("written", "text"),
    [
        (units.format_duration(units.Duration(90_000_000_000)), "90s"),
        (units.format_duration(units.Duration(60_000_000_000)), "1min"),
        (units.format_duration(units.Duration(0)), "0s"),
        (units.format_rate(36_000.0), "36k/s"),
        (units.format_rate(0.5), "0.5/s"),
        (units.format_size(697e3), "697kB"),
        (units.format_bandwidth(100e9), "100Gbps"),
        (units.format_share(0.0874), "8.74%"),
        (units.format_share(1 / 3), "0.3333333333333333"),
    ],
)
def test_what_is_written_reads_well(written: str, text: str) -> None:
    """The largest unit that leaves a short number."""
    assert written == text
