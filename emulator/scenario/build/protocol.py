"""``bgp:`` and ``igp:`` to one config a router."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from emulator.bgp.config import Damping, Delay, MraiScope, SpeakerConfig, WithdrawalRule
from emulator.bgp.decision import TieBreak
from emulator.bgp.liveness import Detection, SessionConfig
from emulator.bgp.policy import GaoRexford, LocalPrefByNeighbor, PermitAll, Policy, RankedPaths
from emulator.igp import IgpConfig
from emulator.rng import unit_hash
from emulator.scenario.plan import Protocol
from emulator.scenario.schema_bgp import Bfd, Lognormal
from emulator.scenario.schema_network import LabNetwork, Uniform
from emulator.units import Duration

if TYPE_CHECKING:
    from emulator.network.model import Network
    from emulator.scenario.build.problems import Problems
    from emulator.scenario.schema import Scenario
    from emulator.scenario.schema_bgp import BgpSpec
    from emulator.scenario.schema_network import RouterSpec


def build_protocol(document: Scenario, network: Network, seed: int, problems: Problems) -> Protocol:
    """Resolve every router's settings: the common ones, then its own."""
    bgp = document.bgp
    base = _speaker(bgp)
    speakers = [replace(base, mrai=_mrai(bgp, seed, router.name)) for router in network.routers]
    if isinstance(document.network, LabNetwork):
        specs = document.network.routers
        place = {name: index for index, name in enumerate(specs)}
        systems = {name: spec.asn for name, spec in specs.items()}
        for index, (name, spec) in enumerate(specs.items()):
            policy = _policy(base.policy, spec, place, systems)
            if spec.local_pref and spec.rank_paths is not None:
                problems.add(
                    ("network", "routers", name, "local_pref"),
                    "expected either `local_pref` or `rank_paths`: ranked paths set the preference",
                )
            speakers[index] = replace(speakers[index], policy=policy)
    igp = document.igp
    return Protocol(
        tuple(speakers),
        (_session(bgp),) * len(network.routers),
        IgpConfig(
            detection=igp.detection,
            flood_processing=igp.flood_processing,
            spf_initial=igp.spf_initial,
            spf_hold=igp.spf_hold,
            spf_max=igp.spf_max,
            fib_install=igp.fib_install_delay,
        ),
        bgp.fib_install_delay,
    )


def _speaker(bgp: BgpSpec) -> SpeakerConfig:
    damping = None
    if not isinstance(bgp.flap_damping, str):
        given = bgp.flap_damping
        damping = Damping(given.half_life, given.suppress, given.reuse, given.max)
    return SpeakerConfig(
        policy=GaoRexford() if bgp.policy == "gao-rexford" else PermitAll(),
        ibgp_mrai=bgp.ibgp_mrai,
        mrai_jitter=bgp.mrai_jitter,
        mrai_scope=MraiScope(bgp.mrai_scope),
        withdrawals=WithdrawalRule.WAIT if bgp.mrai_on_withdrawals else WithdrawalRule.FREE,
        sender_side_loop_detection=bgp.sender_side_loop_detection,
        ghost_flushing=bgp.ghost_flushing,
        processing_delay=_delay(bgp.processing_delay),
        tie_break=TieBreak(oldest=bgp.tie_break == "oldest"),
        damping=damping,
    )


def _delay(spec: Duration | Uniform | Lognormal) -> Delay:
    match spec:
        case Uniform(uniform=(low, high)):
            return Delay("uniform", low, high)
        case Lognormal(lognormal=(median, sigma)):
            return Delay("lognormal", median, sigma=sigma)
        case _:
            return Delay(low=Duration(spec))


def _mrai(bgp: BgpSpec, seed: int, router: str) -> Duration:
    """One value, or the one whose share of speakers this router falls into."""
    if isinstance(bgp.mrai, int):
        return Duration(bgp.mrai)
    place, so_far = unit_hash(str(seed), "mrai", router), 0.0
    for mrai, share in bgp.mrai.items():
        so_far += share
        if place < so_far:
            return mrai
    return mrai


def _policy(base: Policy, spec: RouterSpec, place: dict[str, int], systems: dict[str, int]) -> Policy:
    if spec.rank_paths is not None:
        return RankedPaths(tuple(tuple(systems[name] for name in path) for path in spec.rank_paths))
    if spec.local_pref:
        preferences = tuple((place[name], value) for name, value in spec.local_pref.items())
        return LocalPrefByNeighbor(base, preferences)
    return base


def _session(bgp: BgpSpec) -> SessionConfig:
    detection = bgp.failure_detection
    base = SessionConfig(hold_time=bgp.hold_time, keepalive=bgp.keepalive)
    if isinstance(detection, Bfd):
        timers = detection.bfd
        return replace(
            base, detection=Detection.BFD, bfd_interval=timers.interval, bfd_multiplier=timers.multiplier
        )
    return replace(base, detection=Detection(detection))
