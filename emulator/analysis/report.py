"""``report.html``: one file that answers the question, shows the pictures and says how to get them again.

Everything a scenario's author wrote is escaped; pictures are inlined, and
nothing is fetched from anywhere.
"""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, Any

from emulator.analysis import wording
from emulator.analysis.captions import CAPTIONS, CAPTIONS_OF_PREFIXES, NOT_MODELLED, NOT_MODELLED_ON_GRAPHS
from emulator.analysis.graphview import catchment_table, has_cdn, losses
from emulator.analysis.instants import outcomes
from emulator.analysis.plots import pictures
from emulator.record.folder import write_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from emulator.analysis.graphview import Loss
    from emulator.analysis.plots import Picture
    from emulator.analysis.view import RunView
    from emulator.record.run import Json


def write_report(view: RunView, folder: Path, *, command: str | None = None) -> Path:
    """Write ``report.html`` into ``folder``, with the pictures in its ``plots``; return its path.

    ``command`` is how to run it again; by default it is put together from the manifest.
    """
    path = folder / "report.html"
    write_text(path, render(view, folder / "plots", command=command))
    return path


def render(view: RunView, plots: Path, *, command: str | None = None) -> str:
    """Render the report's HTML with those pictures that are in the folder ``plots``."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("emulator.analysis"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        percent=wording.percent,
        duration=wording.duration,
        ms=wording.milliseconds,
        count=wording.count,
        value=wording.value_text,
        period=wording.loss_period,
    )
    summary, manifest = view.record.summary, view.record.manifest
    inputs = manifest.get("inputs", {})
    again = command or f"ipa-emulator run {next(iter(inputs), 'SCENARIO')} --seed {manifest.get('seed')}"
    return environment.get_template("report.html").render(
        title=summary.get("scenario", "run"),
        headline=headline(view),
        strategies=summary.get("strategies") or {},
        phases=view.phases.present,
        faulty=view.phases.fault_s is not None,
        events=outcomes(view),
        losses=losses(view),
        catchments=catchment_table(view),
        graph=bool(view.catchments),
        cdn=has_cdn(view),
        expectations=summary.get("expectations", ()),
        figures=[figure for picture in pictures(view) if (figure := _figure(view, plots, picture))],
        not_modelled=_not_modelled(view),
        command=again,
        manifest=manifest,
        inputs=inputs,
    )


def headline(view: RunView) -> list[str]:
    """Answer the question in a sentence a strategy, or an instant where a run has no clients."""
    summary = view.record.summary
    strategies = summary.get("strategies") or {}
    if not strategies:
        lost = {window.event: kinds for window, kinds in losses(view)}
        return [
            _event_sentence(event) + _loss_sentence(lost.get(event["index"], ())) for event in outcomes(view)
        ] or ["Nothing happened."]
    return [_strategy_sentence(name, metrics, view) for name, metrics in strategies.items()]


def _strategy_sentence(name: str, metrics: Json, view: RunView) -> str:
    last = view.phases.present[-1]
    lost = metrics["lost_requests"]["share"]
    rtt = metrics["rtt_ms"]
    parts = [f"{wording.percent(lost)} of requests were lost" if lost else "no request was lost"]
    found = metrics.get("service_reconvergence_s")
    if found and found["affected_groups"]:
        groups, censored = found["affected_groups"], found["censored"]
        if censored:
            parts.append(
                f"{censored} of the {groups} client groups that noticed never got their service back"
            )
        else:
            parts.append(
                f"all {groups} client groups that noticed had it back within {wording.duration(found['max'])}"
            )
    elif found:
        parts.append("no client group noticed the fault")
    before, after = rtt["before"]["p50"], rtt[last]["p50"]
    if before is not None and after is not None and last != "before":
        parts.append(
            f"the median RTT went from {wording.milliseconds(before)} to {wording.milliseconds(after)}"
        )
    elif after is not None:
        tail = wording.milliseconds(rtt[last]["p99"])
        parts.append(
            f"the median RTT was {wording.milliseconds(after)}, and one request in a hundred took over {tail}"
        )
    return f"Under {name}, {wording.listed(parts)}."


def _event_sentence(event: Json) -> str:
    label, took = event["label"], event["control_plane_convergence_s"]
    messages = f"{event['announcements']:,} announcements and {event['withdrawals']:,} withdrawals"
    if not took:
        return f"After “{label}” no router changed a best route ({messages})."
    state = "BGP settled in" if event["quiescent"] else "BGP was still changing best routes"
    when = f"{state} {wording.duration(took)}" + ("" if event["quiescent"] else " later, and had not settled")
    return f"After “{label}” {when}, with {messages}."


def _loss_sentence(kinds: Sequence[Loss]) -> str:
    said = [wording.lost_by(loss) for loss in kinds]
    return "".join(f" {text[0].upper()}{text[1:]}." for text in said)


def _not_modelled(view: RunView) -> tuple[str, ...]:
    if view.catchments:
        return NOT_MODELLED_ON_GRAPHS if view.strategies else NOT_MODELLED_ON_GRAPHS[1:]
    return NOT_MODELLED if view.strategies else ()


def _figure(view: RunView, plots: Path, picture: Picture) -> Json | None:
    """The picture's markup, or None where it was not drawn."""
    from markupsafe import Markup

    captions = CAPTIONS if has_cdn(view) or not view.catchments else {**CAPTIONS, **CAPTIONS_OF_PREFIXES}
    caption = captions[picture.kind]
    svg, png = plots / f"{picture.name}.svg", plots / f"{picture.name}.png"
    label = picture.kind if picture.strategy is None else f"{picture.kind}, {picture.strategy}"
    if svg.is_file():
        markup: Any = Markup(inline_svg(svg.read_text(encoding="utf-8"), picture.name))  # noqa: S704 - ours, text is outlines
    elif png.is_file():
        data = base64.b64encode(png.read_bytes()).decode()
        markup = Markup('<img src="data:image/png;base64,{}" alt="">').format(data)
    else:
        return None
    return {"name": picture.name, "label": label, "markup": markup, "caption": caption}


def inline_svg(document: str, prefix: str) -> str:
    """Make a stand-alone SVG part of an HTML page: no prolog, no comments, ids that no other picture has."""
    svg = document[document.index("<svg") :]
    svg = re.sub(r"<!--.*?-->|<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r' (width|height)="[^"]*pt"', "", svg, count=2)
    svg = re.sub(r'\bid="', f'id="{prefix}-', svg)
    svg = re.sub(r'\b(xlink:href|href)="#', rf'\1="#{prefix}-', svg)
    svg = svg.replace("url(#", f"url(#{prefix}-")
    svg = re.sub(r'<style type="text/css">.*?</style>', "", svg, flags=re.DOTALL)
    return svg.replace("<svg ", '<svg aria-hidden="true" focusable="false" ', 1).strip()
