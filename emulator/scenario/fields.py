"""Field types of the scenario format: each knows its unit, its pattern for editors and its way back to text.

Validation is strict: text is text and a number is a number, so a quantity
without its unit is refused instead of guessed. Times land as integer
nanoseconds. Error types of this module: ``expected`` (the loader appends what
was found), ``full`` and ``unknown`` (the message says it all).
"""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Annotated, Any, Final, NoReturn

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    PlainSerializer,
    PlainValidator,
    Tag,
    ValidationError,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from emulator import units
from emulator.errors import UnitError, suggest

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic import ModelWrapValidatorHandler
    from pydantic_core import ErrorDetails

TAG: Final = "\x1f"
"""First character of a location part that names a union's branch and not a key of the file."""
LONGEST: Final = units.Duration(3650 * units.DAY)
"""No time in a scenario is longer."""


def expected(what: str) -> PydanticCustomError:
    """Return an error the loader completes to "expected ``what``, got ..."."""
    return PydanticCustomError("expected", "{message}", {"message": what})


def full(message: str) -> PydanticCustomError:
    """Return an error that is a whole sentence already."""
    return PydanticCustomError("full", "{message}", {"message": message})


def unknown(message: str) -> PydanticCustomError:
    """Return a key that is not one: reported where the key stands, not its value."""
    return PydanticCustomError("unknown", "{message}", {"message": message})


def fail(message: str) -> NoReturn:
    """Raise `full`."""
    raise full(message)


def fail_expected(what: str) -> NoReturn:
    """Raise `expected`."""
    raise expected(what)


def refuse(key: str, error: PydanticCustomError) -> NoReturn:
    """Raise ``error`` located at ``key`` of the mapping that is being validated."""
    details = InitErrorDetails(type=error, loc=(key,), input=None)
    raise ValidationError.from_exception_data(key, [details])


class Shape(BaseModel):
    """Base of every mapping in a scenario: closed, immutable, strict."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, defer_build=True)

    @model_validator(mode="wrap")
    @classmethod
    def _explain_unknown_keys(cls, value: object, handler: ModelWrapValidatorHandler[Any]) -> Any:  # noqa: ANN401
        """Name the known keys where a key is not one of them."""
        try:
            return handler(value)
        except ValidationError as error:
            found = error.errors(include_url=False)
            if all(one["type"] != "extra_forbidden" for one in found):
                raise
            raise ValidationError.from_exception_data(cls.__name__, _explained(cls, found)) from None

    @classmethod
    def known_keys(cls) -> tuple[str, ...]:
        """Return the keys as a scenario writes them."""
        return tuple(info.alias or name for name, info in cls.model_fields.items())


def _explained(model: type[Shape], found: list[ErrorDetails]) -> list[InitErrorDetails]:
    """``found`` with unknown keys explained; what a misspelt key was meant to be is not missing too."""
    hints: dict[str, str] = {}
    for one in found:
        if one["type"] == "extra_forbidden" and len(one["loc"]) == 1:
            name = str(one["loc"][0])
            hints[name] = suggest(name, model.known_keys())
    details = []
    for one in found:
        kind: str | PydanticCustomError = one["type"]
        name = str(one["loc"][0]) if one["loc"] else ""
        if kind == "missing" and len(one["loc"]) == 1 and any(repr(name) in hint for hint in hints.values()):
            continue
        if kind == "extra_forbidden" and len(one["loc"]) == 1:
            known = ", ".join(model.known_keys()) or "none"
            kind = unknown(f"unknown key {name!r}{hints[name]}; known keys: {known}")
        elif kind in {"expected", "full", "unknown"}:
            kind = PydanticCustomError(one["type"], "{message}", {"message": one["msg"]})
        details.append(
            InitErrorDetails(type=kind, loc=one["loc"], input=one["input"], ctx=one.get("ctx", {}))
        )
    return details


def branch(name: str) -> Tag:
    """Mark one shape of a union; see `by_key`."""
    return Tag(TAG + name)


def by_key(
    what: str, *keys: str, text: str = "", words: tuple[str, ...] = (), many: str = "", otherwise: str = ""
) -> Discriminator:
    """Choose among `branch`es: by the key that a mapping has, or by being text or a list.

    ``text`` and ``many`` name the branch of a scalar (one of ``words``, where
    they are given) and of a list, and ``otherwise`` that of a mapping without
    any of ``keys`` (default: the key nearest to one it has, whose errors then
    explain themselves). A value that fits nowhere is "expected ``what``".
    """

    def choose(value: object) -> str | None:
        if isinstance(value, dict):
            here = [key for key in keys if key in value]
            near = [key for key in keys if any(suggest(str(name), (key,)) for name in value)]
            chosen = next(iter(here or near), otherwise)
        elif isinstance(value, Shape):  # on the way back to text
            chosen = next((key for key in keys if key in value.known_keys()), otherwise)
        elif isinstance(value, tuple):
            chosen = many
        else:
            chosen = text if not words or value in words else ""
        return TAG + chosen if chosen else None

    return Discriminator(choose, custom_error_type="expected", custom_error_message=what)


def _quantity(
    parse: Callable[[str], object],
    write: Callable[[Any], str],
    what: str,
    pattern: str,
    *,
    title: str,
    zero: bool = True,
) -> tuple[PlainValidator, PlainSerializer, Any]:
    """Return what makes an ``Annotated`` type of a parser: strict text in, exact value inside, text out."""

    def validate(value: object) -> object:
        if not isinstance(value, str):
            raise expected(what)
        try:
            parsed = parse(value)
        except UnitError as error:
            raise full(str(error)) from None
        if not zero and parsed == 0:
            fail_expected(f"{what}, more than zero")
        return parsed

    schema = {"type": "string", "pattern": pattern, "title": title}
    return PlainValidator(validate), PlainSerializer(write, return_type=str), WithJsonSchema(schema)


_NUMBER: Final = r"[0-9]*\.?[0-9]+"
_TIME: Final = rf"{_NUMBER}\s*(ns|us|ms|s|min|h|d)"
_A_DURATION: Final = "a duration with its unit, such as '35ms' or '10min'"


def _parse_added(text: str) -> units.Duration:
    """Return a duration that is added: the sign may be written, and is plus."""
    duration = units.parse_duration(text, signed=True)
    if duration > LONGEST:
        message = f"expected at most {units.format_duration(LONGEST)}, got {text!r}"
        raise UnitError(message)
    if duration < 0:
        message = f"expected an added delay such as '+80ms', got the negative {text!r}"
        raise UnitError(message)
    return duration


def _parse_time(text: str) -> units.Duration:
    """Return a duration that 64 bits of nanoseconds hold many times over."""
    duration = units.parse_duration(text)
    if duration > LONGEST:
        message = f"expected at most {units.format_duration(LONGEST)}, got {text!r}"
        raise UnitError(message)
    return duration


_positive = _quantity(
    _parse_time, units.format_duration, _A_DURATION, rf"^{_TIME}$", title="duration", zero=False
)
_any_time = _quantity(_parse_time, units.format_duration, _A_DURATION, rf"^{_TIME}$", title="duration")
_added = _quantity(
    _parse_added,
    lambda duration: "+" + units.format_duration(duration),
    "an added delay such as '+80ms'",
    rf"^\+?{_TIME}$",
    title="signed duration",
)
_rate = _quantity(
    units.parse_rate,
    units.format_rate,
    "a rate with its unit, such as '36k/s'",
    rf"^{_NUMBER}\s*[kMGT]?/(s|min|h|d)$",
    title="rate",
)
_size = _quantity(
    units.parse_size,
    units.format_size,
    "a size with its unit, such as '697kB'",
    rf"^{_NUMBER}\s*[kMGTP]?B$",
    title="size",
)
_bandwidth = _quantity(
    units.parse_bandwidth,
    units.format_bandwidth,
    "a bandwidth with its unit, such as '100Gbps'",
    rf"^{_NUMBER}\s*[kMGT]?bps$",
    title="bandwidth",
    zero=False,
)

Time = Annotated[units.Duration, *_any_time]
"""Zero or more nanoseconds."""
Period = Annotated[units.Duration, *_positive]
"""More than zero nanoseconds."""
AddedDelay = Annotated[units.Duration, *_added]
"""Nanoseconds to add; a leading + is welcome."""
Rate = Annotated[float, *_rate]
"""Events a second."""
Size = Annotated[float, *_size]
"""Bytes."""
Bandwidth = Annotated[float, *_bandwidth]
"""Bits a second, more than zero."""


def _validate_share(value: object) -> float:
    what = "a share between 0% and 100%, such as '5%' or 0.05"
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise expected(what)
    if not isinstance(value, str):
        if not 0 <= value <= 1:
            raise expected(what)
        return float(value)
    try:
        return units.parse_share(value)
    except UnitError as error:
        raise full(str(error)) from None


Share = Annotated[
    float,
    PlainValidator(_validate_share),
    PlainSerializer(units.format_share, return_type=str),
    WithJsonSchema(
        {
            "title": "share",
            "anyOf": [
                {"type": "number", "minimum": 0, "maximum": 1},
                {"type": "string", "pattern": rf"^{_NUMBER}\s*%?$"},
            ],
        }
    ),
]
"""A part of a whole, 0 to 1."""


def parse_prefix(text: str) -> str:
    """Return the canonical text of an IPv4 or IPv6 prefix; a `UnitError` proposes the nearest right one."""
    if not re.fullmatch(r"[0-9a-fA-F:.]{2,43}/[0-9]{1,3}", text):
        message = f"expected a prefix such as '203.0.113.0/24' or '2001:db8::/32', got {text[:64]!r}"
        raise UnitError(message)
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        message = f"expected a prefix such as '203.0.113.0/24' or '2001:db8::/32', got {text!r}"
        raise UnitError(message) from None
    if ipaddress.ip_address(text.split("/", maxsplit=1)[0]) != network.network_address:
        message = f"{text!r} has bits set beyond its length (did you mean {str(network)!r}?)"
        raise UnitError(message)
    return str(network)


def parse_router_id(text: str) -> int:
    """Return the 32 bits of a router id written as four octets (RFC 4271 4.2), not zero (RFC 6286)."""
    try:
        value = int(ipaddress.IPv4Address(text))
    except ValueError:
        value = 0
    if not value:
        message = f"expected a router id such as '10.0.0.1', got {text[:64]!r}"
        raise UnitError(message)
    return value


Prefix = Annotated[
    str,
    *_quantity(
        parse_prefix, str, "a prefix such as '203.0.113.0/24'", r"^[0-9a-fA-F:.]+/[0-9]{1,3}$", title="prefix"
    ),
]
"""An IPv4 or IPv6 prefix as canonical text."""
RouterId = Annotated[
    int,
    *_quantity(
        parse_router_id,
        lambda value: str(ipaddress.IPv4Address(value)),
        "a router id such as '10.0.0.1'",
        r"^[0-9]{1,3}(\.[0-9]{1,3}){3}$",
        title="router id",
    ),
]
"""A BGP identifier as an integer."""


def _named(
    pattern: str, what: str, *, title: str, for_number: str | None = None
) -> tuple[PlainValidator, Any]:
    """Text of a fixed form; ``for_number`` is what a number is told instead, the number being {}."""
    form = re.compile(pattern)

    def validate(value: object) -> str:
        if isinstance(value, int) and not isinstance(value, bool) and for_number is not None:
            raise expected(for_number.format(value))
        if not isinstance(value, str) or not form.fullmatch(value):
            raise expected(what)
        return value

    return PlainValidator(validate), WithJsonSchema(
        {"type": "string", "pattern": f"^{pattern}$", "title": title}
    )


ScenarioName = Annotated[
    str,
    *_named(
        r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}",
        "a name of letters, digits, '.', '_' and '-' (it names the results' folder)",
        title="name",
    ),
]
"""Safe as a folder's name."""
RouterName = Annotated[
    str,
    *_named(
        r"[^\s\[\],{}\"'](?:[^\n\r\t\[\],{}\"']{0,62}[^\s\[\],{}\"'])?",
        "a router's name: up to 64 characters, none of [ ] { } , or quotes",
        title="router name",
        for_number="a router's name, such as 'r{0}', or 'AS{0}' for the router of that AS in an AS graph",
    ),
]
"""A router of the scenario; in the world ``AS1299@Stockholm``."""
StrategyName = Annotated[
    str,
    *_named(
        r"[A-Za-z][A-Za-z0-9_-]{0,31}",
        "a strategy's name: a letter, then letters, digits, '_' and '-'",
        title="name",
    ),
]
"""Appears in tables, plots and expectations."""
ClassPath = Annotated[
    str,
    *_named(
        r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*:[A-Za-z_][A-Za-z0-9_]*",
        "a class such as 'package.module:Class'",
        title="class",
    ),
]
"""Where a user's own class is found."""
Text = Annotated[str, Field(min_length=1, max_length=256)]
"""A name of something in the data: a city, a cable, a host."""
Asn = Annotated[int, Field(ge=1, le=4_294_967_294, title="AS number")]
"""An AS number, 1 to 4294967294 (RFC 6793; 0 and the last one are reserved: RFC 7607, RFC 7300)."""


class Uniform(Shape):
    """Every value of an interval equally likely."""

    uniform: tuple[Time, Time] = Field(description="Lowest and highest duration.", examples=[["2ms", "50ms"]])
