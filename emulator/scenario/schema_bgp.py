"""``bgp:`` and ``igp:``, the protocols' settings."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from emulator.scenario.fields import Period, Shape, Share, Time, branch, by_key
from emulator.scenario.schema_network import Uniform
from emulator.units import MILLISECOND, MINUTE, SECOND, Duration

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


class BgpSpec(Shape):
    """BGP-4 as every speaker of the scenario is set (RFC 4271)."""

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
    mrai_scope: Literal["peer", "prefix"] = Field(
        default="peer", description="One timer a peer, or one a peer and prefix."
    )
    mrai_on_withdrawals: bool = Field(
        default=False, description="WRATE: withdrawals wait for the timer and start it."
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
    tie_break: Literal["router-id", "oldest"] = Field(
        default="router-id",
        description="Last step between eBGP routes: the lowest identifier (RFC 4271 9.1.2.2 f), or the "
        "oldest route before it.",
    )
    hold_time: Time = Field(
        default=Duration(90 * SECOND),
        description="Silence after which a session is dropped: 0s for never, else 3s or more (RFC 4271 4.2).",
        examples=["180s"],
    )
    keepalive: Period = Field(
        default=Duration(30 * SECOND), description="Time between keepalives.", examples=["60s"]
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
    fib_install_delay: Time = Field(
        default=Duration(0), description="From a Loc-RIB change to forwarding by it.", examples=["100ms"]
    )
    flap_damping: Annotated[
        Annotated[Literal["off"], branch("text")] | Annotated[Damping, branch("damping")],
        by_key("'off' or {half_life: 15min, ...}", text="text", words=("off",), otherwise="damping"),
    ] = Field(
        default="off",
        description="Suppress routes that flap (RFC 2439), or not.",
        examples=[{"half_life": "15min", "suppress": 2000, "reuse": 750, "max": "60min"}],
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
