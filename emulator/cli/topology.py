"""``topology``: AS graphs of the whole Internet, from CAIDA's files or made up: looked at, kept, written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from emulator.cli.console import show_table
from emulator.cli.progress import progress

if TYPE_CHECKING:
    from collections.abc import Sequence

    from emulator.network.asgraph.relationships import Relationships
    from emulator.network.asgraph.report import Spread, TopologyReport

_SHOWN: Final = 10
"""AS numbers, or cycles, that a line lists."""
_MEMBERS_SHOWN: Final = 50
"""Members of a clique that are listed; the Internet's has some 20."""
_FILE: Final = click.Path(path_type=Path)
_FORMAT: Final = click.option(
    "--format", "output", type=click.Choice(["text", "json"]), default="text", show_default=True,
    help="How to print the answer.",
)  # fmt: skip
_FORCE: Final = click.option("--force", is_flag=True, help="Replace the file of --out if it exists.")
_QUIET: Final = click.option("--quiet", "-q", is_flag=True, help="No progress.")


@click.group(epilog="Example: ipa-emulator topology info 20190701.as-rel.txt.bz2")
def topology() -> None:
    """Look at, import or make up AS graphs of the whole Internet.

    Files are CAIDA's AS relationships, serial-1 or serial-2, plain or packed by
    gzip, bzip2 or xz. They are CAIDA's and not part of this program:
    https://www.caida.org/catalog/datasets/as-relationships/
    """


@topology.command(epilog="Example: ipa-emulator topology info 20190701.as-rel.txt.bz2")
@click.argument("file", type=_FILE)
@_FORMAT
@_QUIET
def info(file: Path, output: str, *, quiet: bool) -> None:
    """Tell what the AS graph in FILE is like.

    Counts, degrees, the clique on top, cycles of providers, parts that are not
    connected, ASes that no path without valleys reaches, customer cones.

    Keeps a binary copy so that the next run has the graph at once: FILE.asgraph
    beside FILE, or in the user's cache folder where that cannot be written.
    """
    from emulator.network.asgraph.cache import load_file
    from emulator.network.asgraph.report import report

    with progress(file.name, quiet=quiet) as say:
        say("reading", 0.0)
        read = load_file(file)
        found = report(read, say)
    if output == "json":
        click.echo(json.dumps(found.as_json(), indent=2))
    else:
        _show(file, found)


@topology.command("import", epilog="Example: ipa-emulator topology import 20190701.as-rel.txt.bz2")
@click.argument("file", type=_FILE)
@click.option("--out", type=_FILE, help="Also write it here as serial-1, sorted; .gz, .bz2 or .xz packs it.")
@_FORCE
@_FORMAT
@_QUIET
def import_(file: Path, out: Path | None, output: str, *, force: bool, quiet: bool) -> None:
    """Read and check FILE, and keep a binary copy so that the next run has it at once.

    The copy stands beside FILE, or in the user's cache folder where that folder
    cannot be written, and is made anew whenever FILE's contents change.
    """
    from emulator.network.asgraph.cache import load_with_copy
    from emulator.network.asgraph.relationships import write_relationships

    if out is not None:
        _refuse_overwriting(out, file, force=force)
    with progress(file.name, quiet=quiet) as say:
        say("reading", 0.0)
        read, copy, was_there = load_with_copy(file)
        if out is not None:
            say("writing", 0.0)
            write_relationships(out, read.graph, clique=read.clique, ixps=read.ixps)
    _say_written(read, {"copy": copy, "out": out}, output, note=" (was there already)" if was_there else "")


@topology.command(
    epilog="Example: ipa-emulator topology generate --ases 10000 --seed 1 --out internet.txt.gz"
)
@click.option("--ases", type=int, required=True, help="How many ASes: 4 to 1,000,000.")
@click.option("--seed", type=int, default=1, show_default=True, help="Another seed, another Internet.")
@click.option(
    "--links", type=int, help="How many links; by default as many as the Internet of that size has."
)
@click.option("--out", type=_FILE, required=True, help="Where to; .gz, .bz2 or .xz packs it.")
@_FORCE
@_FORMAT
@_QUIET
def generate(
    ases: int, seed: int, links: int | None, out: Path, output: str, *, force: bool, quiet: bool
) -> None:
    """Make up an AS graph like the Internet's and write it as serial-1.

    Every AS reaches every other; nobody is its own indirect provider. The same
    numbers give the same file anywhere.
    """
    from emulator.network.asgraph import generator
    from emulator.network.asgraph.relationships import Relationships, write_relationships

    _refuse_overwriting(out, force=force)
    with progress(out.name, quiet=quiet) as say:
        say("making", 0.0)
        graph = generator.generate(ases, seed, links=links)
        clique = generator.clique_of(graph)
        say("writing", 0.0)
        asked = f"--ases {ases} --seed {seed}" + (f" --links {links}" if links is not None else "")
        comment = f"Made up, no real network: ipa-emulator topology generate {asked}"
        write_relationships(out, graph, clique=clique, comments=[comment])
    _say_written(Relationships(graph, clique), {"out": out}, output)


def _refuse_overwriting(out: Path, file: Path | None = None, *, force: bool) -> None:
    """Writing over what was read, or brought, is a slip of the finger; pipes and devices are written to."""
    from emulator.errors import InputError
    from emulator.network.asgraph.cache import SUFFIX

    message = None
    if file is not None and out.exists() and file.exists() and out.samefile(file):
        message = "this is the file that is read; give another name"
    elif out.name.endswith(SUFFIX):
        message = f"names that end in {SUFFIX} are those of binary copies; give another name"
    elif out.is_file() and not force:
        message = "this file exists already; give another name, or --force to replace it"
    if message is not None:
        message = f"--out {out}: {message}"
        raise InputError(message)


def _say_written(read: Relationships, files: dict[str, Path | None], output: str, note: str = "") -> None:
    """Say what the graph holds and where it was written to."""
    graph = read.graph
    if output == "json":
        places = {name: None if path is None else str(path) for name, path in files.items()}
        click.echo(json.dumps({"ases": len(graph), "links": graph.link_count, **places}, indent=2))
        return
    click.echo(f"{len(graph):,} ASes, {graph.link_count:,} links")
    if "copy" in files:
        copy = files["copy"]
        click.echo("copy: none, no folder could be written" if copy is None else f"copy: {copy}{note}")
    if files["out"] is not None:
        click.echo(f"file: {files['out']}")


def _show(file: Path, found: TopologyReport) -> None:
    """Print a report for a person."""
    show_table(f"{file.name}", ("what", "number", "share"), _counts(found), right=(1, 2))
    spreads = {
        "customers of transit ASes": found.customers_of_transit_ases,
        "providers of stubs": found.providers_of_stubs,
        "peers": found.peers,
        "links of an AS": found.degree,
        "customer cone of transit ASes": found.cones_of_transit_ases,
    }
    rows = [_spread_row(name, spread) for name, spread in spreads.items()]
    show_table(
        "Spread", ("what", "mean", "median", "90 %", "99 %", "largest", "whose"), rows, right=range(1, 6)
    )
    cones = [
        (f"AS{each.asn}", f"{each.cone:,}", f"{each.cone / found.ases:.1%}", f"{each.customers:,}",
         f"{each.peers:,}", f"{each.providers:,}")
        for each in found.largest
    ]  # fmt: skip
    headings = ("AS", "cone", "share", "customers", "peers", "providers")
    show_table("Largest customer cones", headings, cones, right=range(1, 6))
    for line in (*_clique_lines(found), *_oddities(found)):
        click.echo(line)


def _counts(found: TopologyReport) -> list[tuple[str, str, str]]:
    """Rows of what is counted."""
    ases, links = found.ases, found.links
    counted = (
        ("ASes", ases, ""),
        ("transit ASes", found.transit_ases, _share(found.transit_ases, ases)),
        ("stubs", found.stubs, _share(found.stubs, ases)),
        ("stubs with several providers", found.multihomed_stubs, _share(found.multihomed_stubs, found.stubs)),
        ("ASes without provider", found.without_providers, _share(found.without_providers, ases)),
        ("ASes with peers", found.with_peers, _share(found.with_peers, ases)),
        ("links", links, ""),
        ("customer-provider links", found.transit_links, _share(found.transit_links, links)),
        ("peerings", found.peering_links, _share(found.peering_links, links)),
    )
    return [(name, f"{count:,}", share) for name, count, share in counted]


def _share(count: int, of: int) -> str:
    return f"{count / of:.1%}" if of else ""


def _spread_row(name: str, spread: Spread) -> tuple[str, ...]:
    numbers = (spread.p50, spread.p90, spread.p99, spread.largest)
    whose = f"AS{spread.largest_asn}" if spread.largest else ""
    return (name, f"{spread.mean:,.2f}", *(f"{number:,}" for number in numbers), whose)


def _clique_lines(found: TopologyReport) -> list[str]:
    """The clique, and what does not fit it."""
    clique = found.clique
    source = "as the file says" if clique.is_given else "inferred from the graph"
    members = " ".join(map(str, clique.members[:_MEMBERS_SHOWN]))
    if len(clique.members) > _MEMBERS_SHOWN:
        members += f" and {len(clique.members) - _MEMBERS_SHOWN:,} more"
    if not members:
        why = "every AS with customers has a provider" if found.transit_ases else "no AS has customers"
        members = f"none: {why}"
    lines = [f"Clique ({source}), {len(clique.members):,} ASes: {members}"]
    if clique.absent:
        lines.append(f"  not in the graph: {_listed(clique.absent)}")
    if clique.with_providers:
        lines.append(f"  have providers: {_listed(clique.with_providers)}")
    if clique.unpeered:
        pairs = [f"{one}-{two}" for one, two in clique.unpeered]
        lines.append(f"  do not peer with each other: {_listed(pairs)}")
    return lines


def _oddities(found: TopologyReport) -> list[str]:
    """What keeps routes from being everywhere, or is there and should not be."""
    lines = []
    if found.ixp_route_servers:
        inside = found.ixp_route_servers_in_graph
        odd = f", of which the graph has {_listed(inside)}" if inside else ", none of which the graph has"
        lines.append(f"IXP route servers: {len(found.ixp_route_servers)}{odd}")
    if found.provider_cycles:
        count = found.ases_on_provider_cycles
        lines.append(f"Provider cycles: {count:,} ASes are their own indirect providers, such as")
        lines += [f"  {_around(cycle)} (customer -> provider)" for cycle in found.provider_cycles[:_SHOWN]]
        if len(found.provider_cycles) > _SHOWN:
            lines.append(f"  and {len(found.provider_cycles) - _SHOWN:,} more")
    else:
        lines.append("Provider cycles: none")
    parts = found.components
    if len(parts) > 1:
        lines.append(f"Connected: no, {len(parts):,} parts of {_listed(parts)} ASes")
    else:
        lines.append("Connected: yes")
    unreached = "no clique to reach"
    if found.not_reached is not None:
        count = len(found.not_reached)
        unreached = f"{count:,}: {_listed(found.not_reached)}" if count else "none"
    lines.append(f"ASes without a path free of valleys to the clique: {unreached}")
    return lines


def _around(cycle: Sequence[int]) -> str:
    """The ASes of a cycle; of a long one the first few, and how many more there are."""
    names = [f"AS{asn}" for asn in cycle[:_SHOWN]]
    if len(cycle) > _SHOWN:
        names.append(f"{len(cycle) - _SHOWN:,} more")
    return " -> ".join((*names, names[0]))


def _listed(values: Sequence[object]) -> str:
    """The first few, and how many more there are."""
    shown = ", ".join(map(str, values[:_SHOWN]))
    return shown if len(values) <= _SHOWN else f"{shown} and {len(values) - _SHOWN:,} more"
