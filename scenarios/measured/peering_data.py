"""Measured two-site catchments of PEERING, as published with "Estimating the Impact of BGP Prefix Hijacking".

Sermpezis, Kotronis, Arakadakis and Vakali (IFIP Networking 2021), repository
sermpezis/bgp-estimation (MIT), folder ``experiments``: one folder an experiment,
``<number>_<site>_<site>``. In each, AS paths at route collectors while the one
site, the other, and both announced; and where ASes landed when both did, by
ping, by traceroute from RIPE Atlas, and by the collectors' paths. Files may be
plain or xz-compressed.
"""

# ruff: noqa: INP001 - a script and what it reads, not a package

from __future__ import annotations

import json
import lzma
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from emulator.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

ASN: Final = 47065
"""PEERING's."""
METHODS: Final = {
    "ping": "dp_pings_est_as_to_mux_catchment.json",
    "traceroute": "dp_trace_est_ra_as_to_mux_catchment.json",
    "collectors": "cp_bgpstream_est_mon_as_to_mux_catchment.json",
}
_FOLDER: Final = re.compile(r"(\d+)_([a-z]+\d+)_([a-z]+\d+)")


@dataclass(frozen=True, slots=True)
class Experiment:
    """Two sites; ``alone`` the collectors' paths of each, ``landed`` by method the site of each AS.

    An AS that a method finds at both sites is left out.
    """

    name: str
    sites: tuple[str, str]
    alone: dict[str, tuple[tuple[int, ...], ...]]
    landed: dict[str, dict[int, str]]


def read_experiments(folder: Path) -> tuple[Experiment, ...]:
    """All experiments below ``folder``, by number. Raises `InputError` if none is there, or one is broken."""
    found = {
        int(match[1]): path
        for path in (sorted(folder.iterdir()) if folder.is_dir() else ())
        if (match := _FOLDER.fullmatch(path.name))
    }
    if not found:
        message = (
            f"{folder} has no experiments (folders such as 10_amsterdam01_uw01); "
            "they are in https://github.com/sermpezis/bgp-estimation, folder experiments"
        )
        raise InputError(message)
    return tuple(_read(found[number]) for number in sorted(found))


def _read(folder: Path) -> Experiment:
    sites = (folder.name.split("_")[1], folder.name.split("_")[2])
    alone = {site: _paths(folder / f"{site}_bgpstream_paths.csv") for site in sites}
    landed = {method: _landed(folder / file, sites) for method, file in METHODS.items()}
    return Experiment(folder.name, sites, alone, landed)


def _text(path: Path) -> str:
    packed = path.with_name(path.name + ".xz")
    try:
        if packed.is_file():
            return lzma.decompress(packed.read_bytes()).decode()
        return path.read_text(encoding="utf-8")
    except (OSError, lzma.LZMAError, UnicodeDecodeError) as error:
        message = f"{path}: cannot be read ({error})"
        raise InputError(message) from error


def _paths(path: Path) -> tuple[tuple[int, ...], ...]:
    """Third column of ``collector<TAB>AS<TAB>path``; a path with an AS_SET in it is left out."""
    rows = [line.split("\t") for line in _text(path).splitlines() if line]
    texts = [row[2] for row in rows if len(row) > 2]  # noqa: PLR2004 - the third column
    return tuple(
        tuple(int(each) for each in text.split(",")) for text in texts if re.fullmatch(r"\d+(,\d+)*", text)
    )


def _landed(path: Path, sites: tuple[str, str]) -> dict[int, str]:
    try:
        document: Any = json.loads(_text(path))
        landed = {int(asn): set(where) for asn, where in document.items()}
    except (ValueError, AttributeError, TypeError) as error:
        message = f"{path}: expected an object with a list of sites for each AS ({error})"
        raise InputError(message) from error
    return {asn: min(where) for asn, where in landed.items() if len(where) == 1 and where <= set(sites)}
