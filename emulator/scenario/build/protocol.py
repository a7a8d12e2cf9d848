"""``bgp:``, ``igp:``, ``policies:`` and the routers' own settings to one config a router and session."""

from __future__ import annotations

import hashlib
import ipaddress
from dataclasses import replace
from typing import TYPE_CHECKING

from emulator.bgp.config import Aggregate, SpeakerConfig
from emulator.bgp.policy import LocalPrefByNeighbor, Policy, RankedPaths
from emulator.bgp.rov import Roas
from emulator.errors import InputError, suggest
from emulator.igp import IgpConfig
from emulator.network.rpki import authorized, covering, read_vrps
from emulator.scenario.build.policies import build_rules, is_within
from emulator.scenario.build.sessions import Making, build_wiring, passive_ends
from emulator.scenario.build.speakers import Settings, configs, settings_of
from emulator.scenario.plan import Protocol
from emulator.scenario.schema_bgp import OriginValidation
from emulator.scenario.schema_network import LabNetwork

if TYPE_CHECKING:
    from emulator.bgp.liveness import SessionConfig
    from emulator.network.model import Network
    from emulator.scenario.build.prefixes import Addressing
    from emulator.scenario.build.problems import Problems
    from emulator.scenario.schema import Scenario
    from emulator.scenario.schema_network import RouterSpec

Path = tuple[str | int, ...]


def build_protocol(
    document: Scenario,
    network: Network,
    addressing: Addressing,
    problems: Problems,
    *,
    seed: int,
    inputs: dict[str, str],
) -> Protocol:
    """Resolve every router's settings: the common ones, then its own; then every session's.

    ``inputs`` receives the SHA-256 of each file that is read.
    """
    bgp = document.bgp
    specs: dict[str, RouterSpec] = {}
    if isinstance(document.network, LabNetwork):
        specs = document.network.routers
    rpki = _Rpki(addressing, problems, inputs)
    common = settings_of(bgp, like=bgp.like, own=None, path=())
    settings, speakers, sessions = [], [], []
    shared: tuple[SpeakerConfig, SessionConfig] | None = None
    for router in network.routers:
        spec = specs.get(router.name)
        path: Path = ("network", "routers", router.name)
        its = common
        if spec is not None and (spec.bgp is not None or spec.like is not None):
            its = settings_of(bgp, like=spec.like or bgp.like, own=spec.bgp, path=(*path, "bgp"))
        if its is not common or shared is None:
            speaker, session = configs(its, seed=seed, router=router.name)
            speaker = rpki.applied(speaker, its)
            if its is common and not its.is_drawn:
                shared = speaker, session
        else:
            speaker, session = shared
        if spec is not None:
            speaker = replace(
                speaker,
                policy=_policy(speaker.policy, spec, specs, path, problems),
                cluster_id=spec.cluster_id,
                aggregates=_aggregates(spec, addressing, path, problems),
            )
        settings.append(its)
        speakers.append(speaker)
        sessions.append(session)
    making = Making(
        document,
        network,
        tuple(settings),
        tuple(speakers),
        tuple(specs.values()),
        build_rules(document, addressing, problems),
        problems,
    )
    wiring = build_wiring(making)
    return Protocol(
        tuple(speakers),
        tuple(sessions),
        _igp(document),
        bgp.fib_install_delay,
        wiring,
        {end: replace(sessions[end[0]], passive=True) for end in passive_ends(making, wiring)},
    )


def _igp(document: Scenario) -> IgpConfig:
    igp = document.igp
    return IgpConfig(
        detection=igp.detection,
        flood_processing=igp.flood_processing,
        spf_initial=igp.spf_initial,
        spf_hold=igp.spf_hold,
        spf_max=igp.spf_max,
        fib_install=igp.fib_install_delay,
    )


def _policy(
    base: Policy, spec: RouterSpec, specs: dict[str, RouterSpec], path: Path, problems: Problems
) -> Policy:
    if spec.local_pref and spec.rank_paths is not None:
        problems.add(
            (*path, "local_pref"),
            "expected either `local_pref` or `rank_paths`: ranked paths set the preference",
        )
    if spec.rank_paths is not None:
        return RankedPaths(tuple(tuple(specs[name].asn for name in ranked) for ranked in spec.rank_paths))
    if spec.local_pref:
        place = {name: index for index, name in enumerate(specs)}
        preferences = tuple((place[name], value) for name, value in spec.local_pref.items())
        return LocalPrefByNeighbor(base, preferences)
    return base


def _aggregates(
    spec: RouterSpec, addressing: Addressing, path: Path, problems: Problems
) -> tuple[Aggregate, ...]:
    known = {prefix.text: prefix.index for prefix in addressing.prefixes}
    found = []
    for index, each in enumerate(spec.aggregate):
        around = ipaddress.ip_network(each.prefix)
        inside = [t for t in known if t != each.prefix and is_within(ipaddress.ip_network(t), around)]
        where: Path = (*path, "aggregate", index)
        for position, text in enumerate(each.contributors or ()):
            if text not in inside:
                hint = suggest(text, inside)
                problems.add(
                    (*where, "contributors", position),
                    f"{text} is no more specific prefix of the scenario inside {each.prefix}{hint}",
                )
        if not inside:
            problems.add((*where, "prefix"), f"the scenario has no prefix inside {each.prefix} to contribute")
        contributors = each.contributors or tuple(inside)
        numbers = frozenset(known[text] for text in contributors if text in known)
        found.append(Aggregate(known[each.prefix], numbers, each.summary_only))
    return tuple(found)


class _Rpki:
    """Files of validated ROA payloads, each read once."""

    def __init__(self, addressing: Addressing, problems: Problems, inputs: dict[str, str]) -> None:
        self._prefixes = [prefix.text for prefix in addressing.prefixes]
        self._problems = problems
        self._inputs = inputs
        self._read: dict[str, Roas | None] = {}

    def applied(self, speaker: SpeakerConfig, settings: Settings) -> SpeakerConfig:
        """``speaker`` with what its settings say of origin validation."""
        spec = settings.said.get("rov")
        if not isinstance(spec, OriginValidation):
            return speaker
        roas = self._roas(spec.vrps, (*settings.place["rov"], "vrps"))
        return replace(speaker, roas=roas, drop_invalid=spec.drop_invalid)

    def _roas(self, file: str, path: Path) -> Roas | None:
        if file not in self._read:
            self._read[file] = self._load(file, path)
        return self._read[file]

    def _load(self, file: str, path: Path) -> Roas | None:
        where = self._problems.folder / file
        try:
            vrps = read_vrps(where)
            self._inputs[file] = hashlib.sha256(where.read_bytes()).hexdigest()
        except InputError as error:
            self._problems.add(path, str(error))
            return None
        above = covering(vrps, self._prefixes)
        lengths = [int(text.rsplit("/", 1)[1]) for text in self._prefixes]
        return Roas(
            frozenset(index for index, vrps_above in enumerate(above) if vrps_above),
            {
                index: authorized(vrps_above, lengths[index])
                for index, vrps_above in enumerate(above)
                if vrps_above
            },
        )
