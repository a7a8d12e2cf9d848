"""Settings to speaker and session configs: the defaults or a preset, then what is said, the closest last."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from emulator.bgp.config import Damping, Delay, MraiScope, SpeakerConfig, WithdrawalRule
from emulator.bgp.liveness import Detection, SessionConfig
from emulator.bgp.messages import BOTH_FAMILIES, GracefulRestart
from emulator.bgp.peer import MaxPrefixes
from emulator.bgp.policy import GaoRexford, PermitAll
from emulator.bgp.presets import preset
from emulator.fleet.presets import PRESETS
from emulator.rng import unit_hash
from emulator.scenario.fields import Uniform
from emulator.scenario.schema_bgp import Bfd, Lognormal, SpeakerSpec
from emulator.units import SECOND, Duration

if TYPE_CHECKING:
    from collections.abc import Callable

    from emulator.bgp.decision import TieBreak
    from emulator.fleet.presets import FleetPreset
    from emulator.scenario import schema_bgp
    from emulator.scenario.schema_bgp import BgpSpec

Path = tuple[str | int, ...]
_SAME_NAME: Final = (
    "mrai",
    "ibgp_mrai",
    "mrai_jitter",
    "withdrawals",
    "mrai_clock",
    "withdrawal_starts_mrai",
    "batch_delay",
    "first_advertisement_delay",
    "echo",
    "sender_side_loop_detection",
    "ghost_flushing",
    "require_policy",
    "enforce_first_as",
    "honor_graceful_shutdown",
    "honor_blackhole",
)
"""Keys of ``bgp:`` that are fields of `SpeakerConfig` by the same name and in the same unit."""
_SAME_NAME_SESSION: Final = ("hold_time", "keepalive", "send_hold_time", "connect_retry", "idle_hold")
"""The same of `SessionConfig`."""


Given = dict[str, Any]
"""Keys of ``bgp:`` and their values."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What holds for one router: the format's defaults or a preset's habits, and what is said.

    ``place`` tells where each key of ``said`` stands.
    """

    defaults: Given
    like: str | None
    said: Given
    place: dict[str, Path] = field(default_factory=dict)

    @property
    def is_drawn(self) -> bool:
        """Whether routers with these settings differ: each draws its MRAI from the shares given."""
        return isinstance(self.said.get("mrai", self.defaults["mrai"]), dict)

    def get(self, name: str) -> Any:  # noqa: ANN401 - any key's value
        """A key that presets leave alone."""
        return self.said.get(name, self.defaults[name])


def settings_of(bgp: BgpSpec, *, like: str | None, own: SpeakerSpec | None, path: Path) -> Settings:
    """Put a router's ``own`` keys, which stand at ``path``, over those of ``bgp``."""
    said: Given = {}
    place: dict[str, Path] = {}
    for spec, where in ((bgp, ("bgp",)), (own, path)):
        for name in SpeakerSpec.model_fields:
            if spec is not None and name in spec.model_fields_set:
                said[name] = getattr(spec, name)
                place[name] = (*where, name)
    if "hold_time" in said and "keepalive" not in said:
        # RFC 4271 4.4: a third of the hold time is usual, and no more than that is safe
        usual = SpeakerSpec.model_fields["keepalive"].default
        is_long = not said["hold_time"] or said["hold_time"] >= 3 * usual
        said["keepalive"] = usual if like is None and is_long else None
    if like is not None and like in PRESETS:
        fleet = PRESETS[like]
        for name, value in _preset_of_graphs(fleet).items():
            if name not in said and not (name == "withdrawals" and "mrai_on_withdrawals" in said):
                said[name] = value
                place[name] = ("bgp", "like")
        like = None
    if said.get("policy") == "permit-all":
        said.setdefault("require_policy", False)  # who writes that down has a policy
    _one_withdrawal_rule(said, set() if own is None else own.model_fields_set)
    defaults = {
        name: info.get_default(call_default_factory=True) for name, info in SpeakerSpec.model_fields.items()
    }
    defaults["withdrawals"] = WithdrawalRule.FREE
    return Settings(defaults, like, said, place)


def _preset_of_graphs(preset: FleetPreset) -> Given:
    """A preset of AS graphs in the terms of ``bgp:``."""
    return {
        "mrai": dict(preset.mrai),
        "mrai_jitter": preset.mrai_jitter,
        "mrai_scope": preset.mrai_scope.value,
        "withdrawals": "wait" if preset.withdrawals_wait else "free",
    }


def _one_withdrawal_rule(said: Given, own: set[str]) -> None:
    """Make one of `withdrawals` and `mrai_on_withdrawals`; the router's own word on it is the last."""
    wrate = said.pop("mrai_on_withdrawals", None)
    rule = said.pop("withdrawals", None)
    if wrate is not None and (rule is None or "mrai_on_withdrawals" in own):
        said["withdrawals"] = WithdrawalRule.WAIT if wrate else WithdrawalRule.FREE
    elif rule is not None:
        said["withdrawals"] = WithdrawalRule(rule)


def configs(settings: Settings, *, seed: int, router: str) -> tuple[SpeakerConfig, SessionConfig]:
    """Make the configs of the speaker on the router called ``router``, and of its ends of sessions."""
    said, defaults = dict(settings.said), dict(settings.defaults)
    for given in (said, defaults):
        if "mrai" in given:
            given["mrai"] = mrai_of(given["mrai"], seed, router)
    if settings.like is None:
        speaker, session = _speaker(SpeakerConfig(), defaults), _session(SessionConfig(), defaults)
    else:
        like = preset(settings.like)
        speaker, session = _speaker(like.speaker, {"policy": defaults["policy"]}), like.session
    return _speaker(speaker, said), _session(session, said)


def _speaker(base: SpeakerConfig, given: Given) -> SpeakerConfig:
    changes: Given = {name: given[name] for name in _SAME_NAME if name in given}
    for name, make in _MADE.items():
        if name in given:
            changes[name] = make(given[name])
    if "flap_damping" in given:
        changes["damping"] = _damping(given["flap_damping"])
    return replace(base, tie_break=_tie_break(base.tie_break, given), **changes)


def _tie_break(base: TieBreak, given: Given) -> TieBreak:
    changes: dict[str, bool] = {}
    if "tie_break" in given:
        changes["oldest"] = given["tie_break"] == "oldest"
        changes["incumbent"] = given["tie_break"] == "current-best"
    if "always_compare_med" in given:
        changes["always_compare_med"] = given["always_compare_med"]
    if "missing_med" in given:
        changes["missing_med_as_worst"] = given["missing_med"] == "worst"
    return replace(base, **changes)


def make_delay(spec: Duration | Uniform | Lognormal) -> Delay:
    """Make a duration, or what it is drawn from."""
    match spec:
        case Uniform(uniform=(low, high)):
            return Delay("uniform", low, high)
        case Lognormal(lognormal=(median, sigma)):
            return Delay("lognormal", median, sigma=sigma)
        case _:
            return Delay(low=Duration(spec))


def _damping(spec: schema_bgp.Damping | str) -> Damping | None:
    if isinstance(spec, str):
        return None
    return Damping(spec.half_life, spec.suppress, spec.reuse, spec.max)


def mrai_of(spec: Duration | dict[Duration, float], seed: int, router: str) -> Duration:
    """One value, or the one whose share of speakers this router falls into."""
    if not isinstance(spec, dict):
        return spec
    place, so_far = unit_hash(str(seed), "mrai", router), 0.0
    for mrai, share in spec.items():
        so_far += share
        if place < so_far:
            return mrai
    return mrai


def _session(base: SessionConfig, given: Given) -> SessionConfig:
    changes: Given = {name: given[name] for name in _SAME_NAME_SESSION if name in given}
    if "graceful_restart" in given:
        changes["graceful_restart"] = _graceful_restart(given["graceful_restart"])
    detection = given.get("failure_detection")
    if isinstance(detection, Bfd):
        timers = detection.bfd
        changes["detection"] = Detection.BFD
        changes["bfd_interval"], changes["bfd_multiplier"] = timers.interval, timers.multiplier
    elif detection is not None:
        changes["detection"] = Detection(detection)
    return replace(base, **changes)


def _graceful_restart(spec: schema_bgp.GracefulRestartSpec | str) -> GracefulRestart | None:
    if isinstance(spec, str):
        return None
    return GracefulRestart(spec.restart_time // SECOND, preserved=BOTH_FAMILIES)


def max_prefixes(spec: schema_bgp.MaxPrefixes | None) -> MaxPrefixes | None:
    """Make a limit of one."""
    return None if spec is None else MaxPrefixes(spec.limit, spec.restart_after, spec.warn_only)


_MADE: Final[dict[str, Callable[[Any], Any]]] = {
    "policy": lambda name: GaoRexford() if name == "gao-rexford" else PermitAll(),
    "mrai_scope": MraiScope,
    "processing_delay": make_delay,
}
"""Keys that are fields by the same name, and what makes a value of one."""
