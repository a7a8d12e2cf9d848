"""Validated ROA payloads (VRPs) from the files that relying parties write.

rpki-client and Routinator both write JSON, ``{"roas": [{"asn": "AS64496" or
64496, "prefix": ..., "maxLength": ...}]}``, and CSV with the columns ASN, IP
prefix and maximum length first. What else such files hold (trust anchors,
expiry, metadata) is not looked at.
"""

from __future__ import annotations

import csv
import ipaddress
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from emulator.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

BYTES_MAX: Final = 512 * 1024**2
"""All VRPs of the Internet are some 60 MB of JSON."""
_ASN: Final = re.compile(r"(?:AS)?([0-9]{1,10})", re.IGNORECASE)
_WIDTH: Final = {4: 32, 6: 128}

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Key = tuple[int, int, int]
"""IP version, prefix length, the prefix's bits."""


@dataclass(frozen=True, slots=True)
class Vrp:
    """A validated ROA payload (RFC 6811 section 2): ``asn`` may originate ``prefix`` up to ``max_length``."""

    prefix: str
    max_length: int
    asn: int


def read_vrps(path: Path) -> tuple[Vrp, ...]:
    """Read a file of VRPs, JSON or CSV by its content.

    Raises `InputError` that says where: a line of CSV, an item of JSON.
    """
    try:
        size = path.stat().st_size
        data = path.read_bytes() if size <= BYTES_MAX else b""
    except OSError as error:
        message = f"{path}: cannot be read: {error.strerror or error}"
        raise InputError(message) from None
    if size > BYTES_MAX:
        message = f"{path}: expected at most {BYTES_MAX // 1024**2} MiB"
        raise InputError(message)
    return parse_vrps(data, str(path))


def parse_vrps(data: bytes, file: str) -> tuple[Vrp, ...]:
    """`read_vrps` for bytes at hand; ``file`` names them in messages."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        message = f"{file}: expected JSON or CSV, got something that is not text"
        raise InputError(message) from None
    entries = _json_entries if text.lstrip().startswith("{") else _csv_entries
    return tuple(_vrp(fields, f"{file}{where}") for where, fields in entries(text, file))


def _json_entries(text: str, file: str) -> Iterator[tuple[str, Sequence[object]]]:
    try:
        roas = json.loads(text).get("roas")
    except (ValueError, RecursionError) as error:
        message = f"{file}: not readable as JSON: {error}"
        raise InputError(message) from None
    if not isinstance(roas, list):
        message = f"{file}: expected a list `roas` of {{asn, prefix, maxLength}}"
        raise InputError(message)
    for index, roa in enumerate(roas):
        if not isinstance(roa, dict):
            message = f"{file}: roas[{index}]: expected {{asn, prefix, maxLength}}, got {roa!r:.64}"
            raise InputError(message)
        yield f": roas[{index}]", (roa.get("asn"), roa.get("prefix"), roa.get("maxLength"))


def _csv_entries(text: str, file: str) -> Iterator[tuple[str, Sequence[object]]]:
    rows = csv.reader(text.splitlines())
    for row in rows:
        if not row or row[0].lstrip().startswith("#") or row[0].strip().casefold() == "asn":
            continue
        if len(row) < 2:  # noqa: PLR2004 - ASN and prefix
            message = f"{file}:{rows.line_num}: expected ASN, prefix and maximum length, got {row[0]!r:.64}"
            raise InputError(message)
        length = row[2].strip() if len(row) > 2 else ""  # noqa: PLR2004 - the column is optional
        yield f":{rows.line_num}", (row[0].strip(), row[1].strip(), length or None)


def _vrp(fields: Sequence[object], where: str) -> Vrp:
    asn, prefix, length = fields
    match = None if isinstance(asn, bool) else _ASN.fullmatch(str(asn))
    if match is None or int(match[1]) >= 2**32:
        message = f"{where}: expected an AS number such as AS64496, got {asn!r:.64}"
        raise InputError(message)
    try:
        network = ipaddress.ip_network(prefix if isinstance(prefix, str) else "")
    except ValueError:
        message = f"{where}: expected a prefix such as '203.0.113.0/24', got {prefix!r:.64}"
        raise InputError(message) from None
    most = network.prefixlen if length is None else _length(length)
    if not network.prefixlen <= most <= network.max_prefixlen:
        bounds = f"{network.prefixlen} to {network.max_prefixlen}"
        message = f"{where}: expected a maximum length from {bounds}, got {length!r:.64}"
        raise InputError(message)
    return Vrp(str(network), most, int(match[1]))


def _length(value: object) -> int:
    """A prefix length, -1 for what is none."""
    text = str(value)
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 3 else -1  # noqa: PLR2004


def covering(vrps: Iterable[Vrp], prefixes: Sequence[str]) -> tuple[tuple[Vrp, ...], ...]:
    """For each of ``prefixes`` the VRPs whose prefix covers it (RFC 6811 section 2), in file order."""
    networks: list[Network] = [ipaddress.ip_network(text) for text in prefixes]
    found: dict[Key, list[Vrp]] = {key: [] for network in networks for key in _keys_above(network)}
    for vrp in vrps:
        key = _key(ipaddress.ip_network(vrp.prefix))
        if key in found:
            found[key].append(vrp)
    return tuple(tuple(vrp for key in _keys_above(network) for vrp in found[key]) for network in networks)


def _key(network: Network) -> Key:
    width = _WIDTH[network.version]
    return network.version, network.prefixlen, int(network.network_address) >> (width - network.prefixlen)


def _keys_above(network: Network) -> list[Key]:
    """The keys of all prefixes that cover ``network``, the shortest first."""
    version, length, bits = _key(network)
    return [(version, shorter, bits >> (length - shorter)) for shorter in range(length + 1)]


def authorized(vrps: Iterable[Vrp], length: int) -> frozenset[int]:
    """The origin ASes that covering ``vrps`` permit for a prefix of ``length``: never AS 0 (RFC 6483 4)."""
    return frozenset(vrp.asn for vrp in vrps if length <= vrp.max_length and vrp.asn)
