"""``bgp:`` and ``igp:``, the protocols' settings."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from emulator.scenario.fields import Period, Shape, Share, Text, Time, Uniform, branch, by_key
from emulator.scenario.schema_policy import PolicyName
from emulator.units import MILLISECOND, MINUTE, SECOND, Duration

Like = Literal["frr", "bird", "gobgp", "openbgpd", "ios", "junos"]
"""Whose habits a speaker has."""
PolicyNames = tuple[PolicyName, ...]
Factor = Annotated[float, Field(ge=0, le=1)]


class Lognormal(Shape):
    """Log-normal: half of the values lie below the median."""

    lognormal: tuple[Period, Annotated[float, Field(ge=0, le=5)]] = Field(
        description="Median, and sigma of the logarithm.", examples=[["20ms", 0.5]]
    )


DelaySpec = Annotated[
    Annotated[Time, branch("text")]
    | Annotated[Uniform, branch("uniform")]
    | Annotated[Lognormal, branch("lognormal")],
    by_key(
        "a duration, {uniform: [low, high]} or {lognormal: [median, sigma]}",
        "uniform",
        "lognormal",
        text="text",
    ),
]
"""A duration or what it is drawn from, once a message."""


class BfdTimers(Shape):
    """Bidirectional forwarding detection (RFC 5880): silence of multiplier x interval is a failure."""

    interval: Period = Field(default=Duration(300 * MILLISECOND), description="Time between packets.")
    multiplier: Annotated[int, Field(ge=1, le=255)] = Field(
        default=3, description="Packets that may be missed."
    )


class Bfd(Shape):
    """Failure detection by BFD."""

    bfd: BfdTimers = Field(description="Its timers.", examples=[{"interval": "300ms", "multiplier": 3}])


class Damping(Shape):
    """Route flap damping (RFC 2439)."""

    half_life: Period = Field(default=Duration(15 * MINUTE), description="Time in which a penalty halves.")
    suppress: Annotated[float, Field(gt=0, le=1e6)] = Field(
        default=2000.0, description="Penalty above which a route is not used; a withdrawal costs 1000."
    )
    reuse: Annotated[float, Field(gt=0, le=1e6)] = Field(
        default=750.0, description="Penalty below which it is used again."
    )
    max: Period = Field(default=Duration(60 * MINUTE), description="Longest suppression.")


class MaxPrefixes(Shape):
    """A limit to what an eBGP peer may send (RFC 4486)."""

    limit: Annotated[int, Field(ge=1, lt=2**32)] = Field(
        description="Prefixes; one more, and the session is closed with Cease/1.", examples=[100]
    )
    restart_after: Period | None = Field(
        default=None,
        description="Open the session again after so long. Default: never, until it is reset.",
        examples=["5min"],
    )
    warn_only: bool = Field(default=False, description="Count what exceeds the limit, and do nothing.")


class GracefulRestartSpec(Shape):
    """Graceful restart (RFC 4724), for both address families."""

    restart_time: Period = Field(
        default=Duration(120 * SECOND),
        description="How long the session may be gone: whole seconds, to 4095s.",
        examples=["120s"],
    )


class OriginValidation(Shape):
    """Route origin validation (RFC 6811)."""

    vrps: Text = Field(
        description="File of validated ROA payloads, as rpki-client and Routinator write them: JSON with "
        "`roas`, or CSV with ASN, prefix and maximum length; relative to the scenario's folder.",
        examples=["vrps.csv", "rpki.json"],
    )
    drop_invalid: bool = Field(
        default=True,
        description="Refuse Invalid routes. Otherwise they only match `validity: invalid` in policies.",
    )


class SpeakerSpec(Shape):
    """Settings of a BGP speaker (RFC 4271)."""

    policy: Literal["gao-rexford", "permit-all"] = Field(
        default="gao-rexford",
        description="Gao-Rexford: prefer customers over peers over providers, export customers' routes to "
        "all and others to customers only; it binds links that have a relationship. Or accept "
        "and export everything.",
    )
    mrai: Annotated[
        Annotated[Time, branch("text")]
        | Annotated[Annotated[dict[Time, Share], Field(min_length=1)], branch("shares")],
        by_key(
            "a duration such as '30s', or shares of speakers such as {0s: 60%, 30s: 40%}",
            text="text",
            otherwise="shares",
        ),
    ] = Field(
        default=Duration(30 * SECOND),
        description="MinRouteAdvertisementInterval towards eBGP peers (RFC 4271 9.2.1.1), for all speakers"
        " or for a share of them each.",
        examples=["30s", {"0s": "60%", "30s": "40%"}],
    )
    ibgp_mrai: Time = Field(default=Duration(0), description="The same towards iBGP peers.", examples=["5s"])
    mrai_jitter: tuple[Factor, Factor] = Field(
        default=(0.75, 1.0),
        description="Each timer start is multiplied by a number drawn from this interval (RFC 4271 section"
        " 10); [1, 1] for none.",
        examples=[[1, 1]],
    )
    mrai_scope: Literal["peer", "prefix", "full-table"] = Field(
        default="peer",
        description="One timer a peer, which rests once it has expired and nothing was held; or one a peer "
        "and prefix; or one a peer that never rests, as the many other prefixes of a full table always have "
        "it running: what changes waits for its next expiry, also after a quiet time.",
    )
    mrai_clock: Time = Field(
        default=Duration(0),
        description="Tick of the clock that measures MRAI: what has elapsed since the last UPDATE counts in"
        " whole ticks. 0s: exact.",
        examples=["1s"],
    )
    mrai_on_withdrawals: bool = Field(
        default=False, description="WRATE: withdrawals wait for the timer and start it."
    )
    withdrawals: Literal["free", "with-pending", "wait"] | None = Field(
        default=None,
        description="Which withdrawals wait for the timer: none (`free`), those that come while an "
        "announcement to the peer is held (`with-pending`), or all, as with `mrai_on_withdrawals` (`wait`). "
        "Default: as `mrai_on_withdrawals` says.",
        examples=["with-pending"],
    )
    withdrawal_starts_mrai: bool = Field(
        default=False,
        description="A withdrawal starts the timer too; always so where all withdrawals wait.",
    )
    batch_delay: Time = Field(
        default=Duration(0),
        description="From the first change to the decision; what comes meanwhile is decided with it.",
        examples=["50ms"],
    )
    first_advertisement_delay: Time = Field(
        default=Duration(0),
        description="From a session's being Established to the first advertisement.",
        examples=["1s"],
    )
    echo: bool = Field(
        default=True,
        description="Advertise a route also to the eBGP peer that it was learned from (RFC 4271 9.1.3 leaves "
        "it open).",
    )
    sender_side_loop_detection: bool = Field(
        default=False, description="Do not send a route to an AS that is in its path already."
    )
    ghost_flushing: bool = Field(
        default=False,
        description="Withdraw at once where the new route is worse and has to wait for the timer "
        "(Bremler-Barr, Afek and Schwarz, INFOCOM 2003).",
    )
    processing_delay: DelaySpec = Field(
        default=Duration(0),
        description="Time a speaker takes for the messages that it has waiting.",
        examples=["5ms", {"uniform": ["1ms", "10ms"]}, {"lognormal": ["20ms", 0.5]}],
    )
    tie_break: Literal["router-id", "oldest", "current-best"] = Field(
        default="router-id",
        description="Last step between eBGP routes: the lowest identifier (RFC 4271 9.1.2.2 f), or before it "
        "the oldest route, or the current best one.",
    )
    always_compare_med: bool = Field(
        default=False,
        description="Compare MED between routes from different neighbour ASes too, not only between those "
        "from one (RFC 4271 9.1.2.2 c).",
    )
    missing_med: Literal["zero", "worst"] = Field(
        default="zero",
        description="What a route without MED counts as: 0 (RFC 4271 9.1.2.2 c), or 4,294,967,295.",
    )
    require_policy: bool = Field(
        default=False,
        description="RFC 8212: nothing is accepted from an eBGP peer without an import policy, nothing sent "
        "to one without an export policy.",
    )
    enforce_first_as: bool = Field(
        default=True,
        description="What an eBGP peer sends must begin with its AS (RFC 4271 6.3).",
    )
    honor_graceful_shutdown: bool = Field(
        default=True,
        description="Routes that carry the community `graceful-shutdown` get LOCAL_PREF 0 (RFC 8326).",
    )
    honor_blackhole: bool = Field(
        default=False,
        description="Discard traffic to prefixes that carry the community `blackhole`, and keep them inside "
        "the AS (RFC 7999).",
    )
    roles: bool = Field(
        default=False,
        description="Negotiate roles by the links' relationships, and mark and check routes by Only to "
        "Customer (RFC 9234).",
    )
    rov: Annotated[
        Annotated[Literal["off"], branch("text")] | Annotated[OriginValidation, branch("vrps")],
        by_key("'off' or {vrps: FILE}", "vrps", text="text", words=("off",), otherwise="vrps"),
    ] = Field(
        default="off",
        description="Validate origins (RFC 6811), or not.",
        examples=[{"vrps": "vrps.csv", "drop_invalid": True}],
    )
    max_prefixes: MaxPrefixes | None = Field(
        default=None,
        description="Limit to what each eBGP peer may send. Default: none.",
        examples=[{"limit": 100, "restart_after": "5min"}],
    )
    hold_time: Time = Field(
        default=Duration(90 * SECOND),
        description="Silence after which a session is dropped: 0s for never, else 3s or more (RFC 4271 4.2).",
        examples=["180s"],
    )
    keepalive: Period = Field(
        default=Duration(30 * SECOND), description="Time between keepalives.", examples=["60s"]
    )
    send_hold_time: Period | None = Field(
        default=None,
        description="How long a peer may refuse to read before the session is dropped (RFC 9687). Default: "
        "the longer of 8 minutes and twice the hold time.",
        examples=["10min"],
    )
    connect_retry: Period = Field(
        default=Duration(120 * SECOND),
        description="Between attempts to connect that nobody answers (RFC 4271 8).",
        examples=["10s"],
    )
    idle_hold: Time = Field(
        default=Duration(0),
        description="Wait after an error before a session is tried again (RFC 4271 8.1.1).",
        examples=["5s"],
    )
    graceful_restart: Annotated[
        Annotated[Literal["off"], branch("text")] | Annotated[GracefulRestartSpec, branch("restart_time")],
        by_key(
            "'off' or {restart_time: 120s}",
            "restart_time",
            text="text",
            words=("off",),
            otherwise="restart_time",
        ),
    ] = Field(
        default="off",
        description="Keep a peer's routes while its BGP restarts (RFC 4724), or not.",
        examples=[{"restart_time": "120s"}],
    )
    failure_detection: Annotated[
        Annotated[Literal["interface", "hold-timer"], branch("text")] | Annotated[Bfd, branch("bfd")],
        by_key(
            "'interface', 'hold-timer' or {bfd: {interval: 300ms, multiplier: 3}}",
            "bfd",
            text="text",
            words=("interface", "hold-timer"),
        ),
    ] = Field(
        default="interface",
        description="How a router notices a dead link or peer: by its interface at once, by the hold "
        "timer, or by BFD.",
        examples=["hold-timer", {"bfd": {"interval": "300ms", "multiplier": 3}}],
    )
    flap_damping: Annotated[
        Annotated[Literal["off"], branch("text")] | Annotated[Damping, branch("damping")],
        by_key("'off' or {half_life: 15min, ...}", text="text", words=("off",), otherwise="damping"),
    ] = Field(
        default="off",
        description="Suppress routes that flap (RFC 2439), or not.",
        examples=[{"half_life": "15min", "suppress": 2000, "reuse": 750, "max": "60min"}],
    )


class BgpSpec(SpeakerSpec):
    """BGP-4 as every speaker of the scenario is set (RFC 4271)."""

    like: Literal[Like, "internet-2019"] | None = Field(
        default=None,
        description="Whose timers and tie-breaks to take where this section says nothing. `internet-2019` is "
        "for AS graphs: shares of MRAI, waiting withdrawals and link delays as calibrated on RIS beacons. "
        "Default: the defaults of this page.",
        examples=["frr", "internet-2019"],
    )
    import_: PolicyNames = Field(
        default=(),
        alias="import",
        description="Rule lists of `policies` that routes from every eBGP peer go through, after `policy`; "
        "read one after the other, as if they were one.",
        examples=[["drop-long-paths"]],
    )
    export: PolicyNames = Field(
        default=(),
        description="The same for routes to every eBGP peer.",
        examples=[["tag-our-own", "prepend"]],
    )
    fib_install_delay: Time = Field(
        default=Duration(0), description="From a Loc-RIB change to forwarding by it.", examples=["100ms"]
    )


class IgpSpec(Shape):
    """Link-state routing inside every AS."""

    detection: Time = Field(
        default=Duration(10 * MILLISECOND), description="From loss of light to the router knowing of it."
    )
    flood_processing: Time = Field(
        default=Duration(1 * MILLISECOND),
        description="What each router adds to a change's way through the network, beside the links' delay.",
    )
    spf_initial: Time = Field(
        default=Duration(50 * MILLISECOND),
        description="From a change to the first shortest-path computation.",
    )
    spf_hold: Time = Field(
        default=Duration(200 * MILLISECOND),
        description="Wait before the next one; doubles with each until `spf_max`.",
    )
    spf_max: Time = Field(default=Duration(5 * SECOND), description="Longest wait between computations.")
    fib_install_delay: Time = Field(
        default=Duration(50 * MILLISECOND), description="From a computation to forwarding by it."
    )
