"""The shape of a scenario file, version 1: every key, its type, unit and default.

Form only: what can be said of a file without looking at anything else. What
the keys mean together is `emulator.scenario.check`; what they mean in a given
world is the builder's.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, PlainSerializer, PlainValidator, WithJsonSchema

from emulator.errors import UnitError
from emulator.expectation import EXAMPLE, Expectation, parse_expectation
from emulator.scenario.fields import Period, ScenarioName, Shape, branch, by_key, fail_expected, full
from emulator.scenario.schema_bgp import BgpSpec, IgpSpec
from emulator.scenario.schema_clients import ClientsSpec, HealthChecks, Strategies
from emulator.scenario.schema_network import LabNetwork, NetworkForm, RelationshipsNetwork, WorldNetwork
from emulator.scenario.schema_policy import Policies  # noqa: TC001 - pydantic reads it
from emulator.scenario.schema_timeline import AnyEvent  # noqa: TC001 - pydantic reads it
from emulator.units import MINUTE, Duration

__all__ = ["LabNetwork", "Phases", "RelationshipsNetwork", "Scenario", "WorldNetwork"]


def _validate_expectation(value: object) -> Expectation:
    if not isinstance(value, str):
        fail_expected(f"an expectation such as {EXAMPLE!r}")
    try:
        return parse_expectation(value)
    except UnitError as error:
        raise full(str(error)) from None


ExpectationText = Annotated[
    Expectation,
    PlainValidator(_validate_expectation),
    PlainSerializer(lambda expectation: expectation.text, return_type=str),
    WithJsonSchema({"type": "string", "title": "expectation"}),
]


class Phases(Shape):
    """How a run is cut into before, during and after."""

    during: Period = Field(
        default=Duration(5 * MINUTE),
        description="Length of `during`, which starts with the first fault; `before` is what precedes it and "
        "`after` what follows.",
        examples=["2min"],
    )


class Scenario(Shape):
    """A network, what happens to it, who uses it, and what must come out."""

    version: Literal[1] = Field(description="Version of this format.", examples=[1])
    name: ScenarioName = Field(description="Names the results' folder.", examples=["red-sea-2024"])
    description: Annotated[str, Field(max_length=10_000)] = Field(
        default="", description="For people.", examples=["Three cables cut in the Red Sea."]
    )
    seed: Annotated[int, Field(ge=0, lt=2**63)] = Field(
        default=1, description="All that is drawn at random follows from it."
    )
    network: NetworkForm = Field(
        description="The network: router by router, an AS graph from a file or made up, or the world.",
        examples=[{"routers": {"r0": {"asn": 65000}, "r1": {"asn": 65001}}, "links": []}],
    )
    bgp: BgpSpec = Field(default_factory=BgpSpec, description="BGP's settings.")
    igp: IgpSpec = Field(default_factory=IgpSpec, description="The IGP's settings.")
    policies: Policies = Field(
        default_factory=dict,
        description="Import and export policies: lists of rules by name, for `import` and `export` of `bgp`, "
        "of a router and of a session. The first rule that matches and has a verdict ends the reading.",
        examples=[{"prepend": [{"match": {"prefix": "203.0.113.0/24"}, "set": {"prepend": 2}}]}],
    )
    settle: Literal["solve", "simulate"] = Field(
        default="solve",
        description="Start from a fixed point solved without time, or converge by messages first. Both end"
        " in the same tables.",
    )
    duration: Period = Field(
        default=Duration(30 * MINUTE),
        description="How long to simulate after t = 0, the moment the settled network is handed to the "
        "timeline.",
        examples=["30min"],
    )
    timeline: tuple[AnyEvent, ...] = Field(
        default=(),
        description="What happens, one verb an entry.",
        examples=[[{"at": "1min", "cut": ["r0", "r5"]}]],
    )
    phases: Phases = Field(default_factory=Phases, description="The parts that metrics are computed for.")
    strategies: Strategies = Field(
        default_factory=dict,
        description="Ways of steering by name, each run on the same forwarding history.",
        examples=[{"anycast": {"kind": "anycast"}, "ipa-cover": {"kind": "ipa", "cover": True}}],
    )
    clients: ClientsSpec | None = Field(
        default=None,
        description="Who asks. Default: nobody in a lab; in the world, everybody, with the defaults below.",
        examples=[{"demand": "36k/s", "hosts": "pypi"}],
    )
    health_checks: Annotated[
        Annotated[Literal["off"], branch("text")] | Annotated[HealthChecks, branch("checks")],
        by_key(
            "'off' or {interval: 10s, failures: 3, timeout: 2s}",
            text="text",
            words=("off",),
            otherwise="checks",
        ),
    ] = Field(
        default_factory=HealthChecks,
        description="Checks of every address from every client group, or `off`.",
        examples=["off", {"interval": "10s", "failures": 3, "timeout": "2s"}],
    )
    expect: tuple[ExpectationText, ...] = Field(
        default=(),
        description="What must come out: a metric of summary.json, a comparison, and a value or another "
        "metric.",
        examples=[
            [
                EXAMPLE,
                "event[1].control_plane_convergence_s == 60.02",
                "ipa.rtt_ms.after.p50 < anycast.rtt_ms.after.p50",
            ]
        ],
    )
