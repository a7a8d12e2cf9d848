"""An explanation as tables: what `explain` prints for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from emulator.cli.console import show_table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from emulator.record.run import Json


def show_route(found: Json) -> None:
    """Print candidates, refused routes, and where the winner goes."""
    click.echo(f"{_title(found)} at {_time(found['at_s'])}")
    candidates = found["candidates"]
    if not candidates:
        click.echo("  no route")
    else:
        count = f"{len(candidates)} candidate{'s' if len(candidates) > 1 else ''}"
        _columns(f"{count}, decided by: {found['decided_by']}", [_candidate(each) for each in candidates])
    if found["refused"]:
        rows = [
            {"from": _peer(each["from"]), "AS path": _path(each["as_path"]), "why": each["reason"]}
            for each in found["refused"]
        ]
        _columns("refused", rows)
    if found["advertised"]:
        rows = [
            {"to": _peer(each["to"]), "session": each["to"]["session"], "AS path": _path(each["as_path"]),
             "MED": _or_dash(each["med"]), "communities": " ".join(each["communities"])}
            for each in found["advertised"]
        ]  # fmt: skip
        _columns("announced to", rows)
    withheld = [each for each in found["withheld"] if candidates or each["believes"] is not None]
    if withheld:
        rows = [
            {"to": _peer(each["to"]), "session": each["to"]["session"], "why": _why(each)}
            for each in withheld
        ]
        _columns("not announced to", rows)


def show_changes(found: Json) -> None:
    """Print every change of a route: when, from what to what, by which step, why."""
    click.echo(f"{_title(found)} up to {_time(found['until_s'])}")
    first = found["first"]
    click.echo(f"  settled: {_route(first)}")
    if not found["changes"]:
        click.echo("  it never changes")
    event = None
    for change in found["changes"]:
        if change["event"] != event:
            event = change["event"]
            click.echo(f"after {event['label']} ({_time(event['at_s'])})")
        click.echo(f"  {_time(change['at_s']):>14}  {_route(change['old'])} -> {_route(change['new'])}")
        click.echo(f"{'':18}by {change['decided_by']}")
        for cause in change["causes"]:
            click.echo(f"{'':18}{_cause(cause)}")


def _title(found: Json) -> str:
    return f"{found['scenario']}: {_name(found['router'], found['asn'])}, {found['prefix']}"


def _columns(title: str, rows: Sequence[Mapping[str, str]]) -> None:
    """Print a table of the columns in which anything stands."""
    headings = [name for name in rows[0] if any(row[name] not in ("", "-") for row in rows)]
    right = [i for i, name in enumerate(headings) if name in ("pref", "MED", "IGP", "age", "at")]
    show_table(title, headings, [[row[name] for name in headings] for row in rows], right=right)


def _candidate(route: Json) -> dict[str, str]:
    return {
        "": ">" if route["best"] else " ",
        "from": _peer(route["from"]),
        "session": route["from"]["session"],
        "AS path": _path(route["as_path"]),
        "next hop": route["next_hop"],
        "pref": str(route["local_pref"]),
        "MED": _or_dash(route["med"]),
        "origin": "" if route["origin"] == "IGP" else route["origin"],
        "IGP": _or_dash(route["igp_cost"]),
        "communities": " ".join(route["communities"]),
        "age": "settled" if route["age_s"] is None else _time(route["age_s"]),
        "lost by": "" if route["best"] else route["lost_by"],
    }


def _why(withheld: Json) -> str:
    """Why the route is not announced, until when that lasts, and what the peer has instead."""
    text = str(withheld["reason"])
    if withheld["until_s"] is not None:
        text += f", until {_time(withheld['until_s'])}"
    if withheld["believes"] is not None:
        text += f"; the peer still has {_path(withheld['believes'])}"
    return text


def _cause(cause: Json) -> str:
    match cause["kind"]:
        case "update":
            sender, path = _name(cause["from"]["router"], cause["from"]["asn"]), cause["as_path"]
            return f"withdrawal from {sender}" if path is None else f"UPDATE from {sender}: {_path(path)}"
        case "session-down":
            return f"session with {_name(cause['from']['router'], cause['from']['asn'])}: {cause['reason']}"
        case "igp":
            old, new = (_or_dash(cause[name]) for name in ("old_cost", "new_cost"))
            return f"IGP cost to {cause['next_hop']}: {old} -> {new}"
        case _:
            return str(cause["what"])


def _route(route: Json | None) -> str:
    if route is None:
        return "no route"
    source = route["from"]
    if source["relationship"] is None:
        return str(source["session"])
    beyond = "" if route["next_hop"] == source["router"] else f" to {route['next_hop']}"
    return f"{_path(route['as_path'])} via {source['router']}{beyond}"


def _peer(peer: Json) -> str:
    if peer["relationship"] is None:
        return "-"
    relation = peer["relationship"]
    name = _name(peer["router"], peer["asn"])
    return name if relation in ("none", "internal") else f"{name}, {relation}"


def _name(router: str, asn: int) -> str:
    """A router's name with its AS, unless the name says it."""
    return router if f"AS{asn}" in router else f"{router} (AS{asn})"


def _path(path: Sequence[int]) -> str:
    return " ".join(map(str, path)) or "(empty)"


def _or_dash(value: int | None) -> str:
    return "-" if value is None else str(value)


def _time(at_s: float) -> str:
    """Seconds with at most nanoseconds: exact, as it can be given to --at."""
    return f"{at_s:.9f}".rstrip("0").rstrip(".") + "s"
