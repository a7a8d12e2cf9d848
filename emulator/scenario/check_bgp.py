"""Whether ``bgp:``, of the scenario and of its routers, fits together."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from emulator.scenario.fields import Uniform
from emulator.scenario.schema_bgp import Damping, GracefulRestartSpec
from emulator.scenario.schema_network import GraphNetwork, LabNetwork
from emulator.units import SECOND, format_duration

if TYPE_CHECKING:
    from collections.abc import Iterator

    from emulator.scenario.findings import Finding
    from emulator.scenario.schema import Scenario
    from emulator.scenario.schema_bgp import BgpSpec, SpeakerSpec

Path = tuple[str | int, ...]
_HOLD_TIME_MIN = 3 * SECOND
_RESTART_TIME_MAX = 4095 * SECOND


def check_bgp(document: Scenario) -> Iterator[Finding]:
    """Everything wrong with the settings of speakers."""
    yield from _check_speaker(document.bgp, document.bgp, ("bgp",))
    if document.bgp.like == "internet-2019" and not isinstance(document.network, GraphNetwork):
        yield ("bgp", "like"), "'internet-2019' is for AS graphs: `as_relationships` or `generate`"
    if isinstance(document.network, LabNetwork):
        for name, router in document.network.routers.items():
            if router.bgp is not None:
                yield from _check_speaker(router.bgp, document.bgp, ("network", "routers", name, "bgp"))
    link_delay = getattr(document.network, "link_delay", None)
    if isinstance(link_delay, Uniform):
        yield from _check_uniform(link_delay, ("network", "link_delay"))


def _check_speaker(spec: SpeakerSpec, common: BgpSpec, path: Path) -> Iterator[Finding]:
    if isinstance(spec.mrai, dict):
        total = sum(spec.mrai.values())
        if not math.isclose(total, 1, abs_tol=1e-9):
            yield (*path, "mrai"), f"expected shares that add up to 100%, got {total:.6%}"
    if spec.mrai_jitter[0] > spec.mrai_jitter[1]:
        yield (*path, "mrai_jitter"), "expected the lower factor first"
    if spec.mrai_on_withdrawals and spec.withdrawals is not None:
        message = "`withdrawals` says which of them wait already: give one of the two"
        yield (*path, "mrai_on_withdrawals"), message
    if isinstance(spec.processing_delay, Uniform):
        yield from _check_uniform(spec.processing_delay, (*path, "processing_delay"))
    yield from _check_timers(spec, common, path)
    if isinstance(spec.flap_damping, Damping) and spec.flap_damping.reuse >= spec.flap_damping.suppress:
        yield (*path, "flap_damping", "reuse"), "expected less than `suppress`"
    if isinstance(spec.graceful_restart, GracefulRestartSpec):
        time = spec.graceful_restart.restart_time
        if time % SECOND or time > _RESTART_TIME_MAX:
            message = f"expected whole seconds, at most 4095s (RFC 4724 3), got {format_duration(time)!r}"
            yield (*path, "graceful_restart", "restart_time"), message


def _check_timers(spec: SpeakerSpec, common: BgpSpec, path: Path) -> Iterator[Finding]:
    """A keepalive that is given must fit the hold time, the router's own or the common one."""
    if 0 < spec.hold_time < _HOLD_TIME_MIN:
        message = f"expected 0s, or 3s and more (RFC 4271 4.2), got {format_duration(spec.hold_time)!r}"
        yield (*path, "hold_time"), message
        return
    hold_time = spec.hold_time if "hold_time" in spec.model_fields_set else common.hold_time
    if "keepalive" in spec.model_fields_set and hold_time and spec.keepalive >= hold_time:
        most = f"expected less than the hold time of {format_duration(hold_time)}"
        message = f"{most}, or every session would drop; got {format_duration(spec.keepalive)!r}"
        yield (*path, "keepalive"), message


def _check_uniform(spec: Uniform, path: Path) -> Iterator[Finding]:
    if spec.uniform[0] > spec.uniform[1]:
        yield (*path, "uniform"), "expected the lower duration first"
