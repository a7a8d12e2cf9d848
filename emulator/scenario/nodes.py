"""YAML 1.2 text to values that know their place, safe on hostile input.

ruamel.yaml splits the text into events; this module builds the values itself,
without recursion, so that every mapping, list and scalar keeps its line and
column, every mistake is collected, and neither depth, aliases nor size can
hurt. Scalars follow the YAML 1.2.2 core schema (10.3.2): ``NO``, ``off`` and
``12:30`` are text.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

if TYPE_CHECKING:
    from ruamel.yaml.events import Event

BYTES_MAX: Final = 4 * 1024 * 1024
DEPTH_MAX: Final = 32
VALUES_MAX: Final = 500_000
"""Values of a document with its aliases written out."""
DIGITS_MAX: Final = 40
PROBLEMS_MAX: Final = 100

_BYTE_ORDER_MARKS: Final = (
    (b"\xff\xfe\x00\x00", "UTF-32"),
    (b"\x00\x00\xfe\xff", "UTF-32"),
    (b"\xff\xfe", "UTF-16"),
    (b"\xfe\xff", "UTF-16"),
)
# YAML 1.2.2, 5.1: the complement of the printable characters.
_UNPRINTABLE: Final = re.compile(
    "[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)
_NULL: Final = frozenset({"", "~", "null", "Null", "NULL"})
_BOOL: Final = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INTEGER: Final = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT: Final = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NOT_FINITE: Final = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")

Place = tuple[int, int]
"""Line and column, 1-based; (0, 0) for a whole file."""
Path = tuple[str | int, ...]
"""Keys and list indices from the top."""


class Mistake(NamedTuple):
    """Something wrong with the text, short of its being a scenario."""

    place: Place
    path: Path
    message: str


@dataclass(slots=True)
class Node:
    """A value and where it stands.

    ``value`` is None, bool, int, float, str, a tuple or a dict; ``text`` is a
    scalar as written. ``size`` counts the values in it, aliases written out.
    """

    place: Place
    value: Any = None
    text: str = ""
    size: int = 1
    items: list[Node] = field(default_factory=list)
    keys: dict[str, Place] = field(default_factory=dict)
    children: dict[str, Node] = field(default_factory=dict)


class NotYamlError(Exception):
    """The text cannot be read any further: place and reason."""

    def __init__(self, place: Place, message: str) -> None:
        """Keep both in ``args``."""
        super().__init__(place, message)
        self.place = place
        self.message = message


def decode(data: bytes) -> str:
    """Return the text of a file; `NotYamlError` for anything but printable UTF-8."""
    if len(data) > BYTES_MAX:
        message = f"expected at most {BYTES_MAX // 1024**2} MiB, got {len(data) / 1024**2:.1f} MiB"
        raise NotYamlError((0, 0), message)
    for mark, encoding in _BYTE_ORDER_MARKS:
        if data.startswith(mark):
            message = f"expected UTF-8, got {encoding} (by its byte order mark): save it as UTF-8"
            raise NotYamlError((0, 0), message)
    if b"\0" in data:
        raise NotYamlError(
            _place_of(data[: data.index(b"\0")]), "expected text, got a NUL byte: a binary file?"
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        place = _place_of(data[: error.start])
        raise NotYamlError(place, f"expected UTF-8, got the byte 0x{data[error.start]:02x}") from None
    strange = _UNPRINTABLE.search(text)
    if strange:
        place = _place_of(text[: strange.start()].encode())
        raise NotYamlError(place, f"expected text, got the control character U+{ord(strange.group()):04X}")
    return text


def _place_of(before: bytes) -> Place:
    """Return the place that follows ``before``."""
    last_line = before.rsplit(b"\n", 1)[-1]
    return before.count(b"\n") + 1, len(last_line.decode("utf-8", "replace")) + 1


@dataclass(slots=True)
class _Open:
    """A mapping or list whose end has not come yet."""

    node: Node
    is_mapping: bool
    anchor: str | None
    is_key: bool
    key: str | None = None
    key_place: Place = (0, 0)
    values: list[Any] = field(default_factory=list)


class _Composer:
    """Builds nodes from events. ``mistakes`` are those that do not end the reading."""

    def __init__(self) -> None:
        self.mistakes: list[Mistake] = []
        self.root: Node | None = None
        self._open: list[_Open] = []
        self._anchors: dict[str, Node] = {}
        self._documents = 0

    def problem(self, place: Place, message: str, *key: str) -> None:
        """Note a mistake in the value that comes next, or at ``key`` of the mapping that is open."""
        self.mistakes.append(Mistake(place, (*self._path(), *key), message))
        if len(self.mistakes) >= PROBLEMS_MAX:
            raise NotYamlError(place, f"more than {PROBLEMS_MAX} problems: not reading on")

    def _path(self) -> Path:
        """Return where the value that comes next will stand."""
        places = (one.key if one.is_mapping else len(one.node.items) for one in self._open)
        return tuple(place for place in places if place is not None)

    def feed(self, event: Event) -> None:
        """Take the next event."""
        if isinstance(event, ScalarEvent):
            self._add(self._scalar(event), event.anchor, _is_plain(event))
        elif isinstance(event, (MappingStartEvent, SequenceStartEvent)):
            self._start(event)
        elif isinstance(event, (MappingEndEvent, SequenceEndEvent)):
            self._end()
        elif isinstance(event, AliasEvent):
            self._alias(event)
        elif isinstance(event, DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                raise NotYamlError(_place(event), "expected one document, got a second one")
            if event.version is not None and tuple(event.version) != (1, 2):
                written = ".".join(map(str, event.version))
                self.problem(_place(event), f"expected YAML 1.2, got the directive %YAML {written}")

    def _start(self, event: MappingStartEvent | SequenceStartEvent) -> None:
        place = _place(event)
        if len(self._open) >= DEPTH_MAX:
            raise NotYamlError(place, f"expected at most {DEPTH_MAX} levels of nesting, got more")
        self._refuse_tag(event)
        top = self._open[-1] if self._open else None
        is_key = top is not None and top.is_mapping and top.key is None
        if is_key:
            self.problem(place, "expected text as a key, got a list or mapping")
        is_mapping = isinstance(event, MappingStartEvent)
        self._open.append(_Open(Node(place), is_mapping, event.anchor, is_key))
        if event.anchor:
            self._anchors.pop(event.anchor, None)

    def _end(self) -> None:
        done = self._open.pop()
        node = done.node
        if done.is_mapping:
            node.value = {key: child.value for key, child in node.children.items()}
        else:
            node.value = tuple(child.value for child in node.items)
        if done.is_key:
            node = Node(node.place, f"?{len(self.mistakes)}", "?")
        self._add(node, done.anchor, plain=False)

    def _alias(self, event: AliasEvent) -> None:
        place = _place(event)
        target = self._anchors.get(event.anchor)
        if target is None:
            inside = any(one.anchor == event.anchor for one in self._open)
            reason = "it stands inside what it repeats" if inside else "nothing has that anchor before it"
            self.problem(place, f"the alias *{event.anchor} cannot be resolved: {reason}")
            target = Node(place)
        self._add(target, None, plain=True)

    def _add(self, node: Node, anchor: str | None, plain: bool) -> None:
        """Put a finished node where it belongs."""
        if anchor:
            self._anchors[anchor] = node
        if not self._open:
            self.root = node
            return
        top = self._open[-1]
        if not top.is_mapping:
            top.node.items.append(node)
        elif top.key is None:
            top.key, top.key_place = self._key(node, plain), node.place
            return
        else:
            self._put(top, node)
        top.node.size += node.size
        if top.node.size > VALUES_MAX:
            message = f"expected at most {VALUES_MAX:,} values, got more with the aliases written out"
            raise NotYamlError(node.place, message)

    def _put(self, top: _Open, node: Node) -> None:
        key, top.key = top.key, None
        assert key is not None  # noqa: S101 - the caller looked
        if key in top.node.keys:
            line, column = top.node.keys[key]
            self.problem(top.key_place, f"duplicate key {key!r}, first given at {line}:{column}", key)
            return
        top.node.keys[key] = top.key_place
        top.node.children[key] = node

    def _key(self, node: Node, plain: bool) -> str:
        if isinstance(node.value, str):
            if plain and node.value == "<<":
                self.problem(node.place, "merge keys (<<) are not in YAML 1.2: write the keys out", "<<")
            return node.value
        if isinstance(node.value, (tuple, dict)):
            self.problem(node.place, "expected text as a key, got a list or mapping")
            return f"?{len(self.mistakes)}"
        got = f"{node.text}: quote it ('{node.text}')" if node.text else "nothing"
        self.problem(node.place, f"expected text as a key, got {got}", node.text)
        return node.text

    def _scalar(self, event: ScalarEvent) -> Node:
        self._refuse_tag(event)
        node = Node(_place(event), event.value, event.value)
        if not _is_plain(event):
            return node
        try:
            node.value = resolve_scalar(event.value)
        except ValueError as error:
            self.problem(node.place, str(error))
        return node

    def _refuse_tag(self, event: Any) -> None:  # noqa: ANN401 - three event classes
        tag = event.tag
        if tag is not None and str(tag) != "!":
            self.problem(_place(event), f"tags are not read here, got {str(tag)[:64]}")


def resolve_scalar(text: str) -> bool | float | str | None:
    """Return the value of a plain scalar; ValueError for a number that is none to compute with."""
    if text in _NULL:
        return None
    if text in _BOOL:
        return _BOOL[text]
    if _NOT_FINITE.fullmatch(text):
        message = f"expected a finite number, got {text}"
        raise ValueError(message)
    is_integer = _INTEGER.fullmatch(text)
    if not is_integer and not _FLOAT.fullmatch(text):
        return text
    if len(text) > DIGITS_MAX:
        message = f"expected a number of at most {DIGITS_MAX} digits, got {len(text)} characters"
        raise ValueError(message)
    if is_integer:
        return int(text, 0) if text[:2] in {"0x", "0o"} else int(text)
    value = float(text)
    if not math.isfinite(value):
        message = f"expected a finite number, got {text}"
        raise ValueError(message)
    return value


def _is_plain(event: ScalarEvent) -> bool:
    """Whether a scalar is unquoted."""
    return event.style is None and bool(event.implicit[0])


def _place(event: Event) -> Place:
    mark = event.start_mark
    return mark.line + 1, mark.column + 1


_CLEARER: Final = (
    ("found character '\\t'", "a tab cannot indent or start a value here: use spaces"),
    (
        "mapping values are not allowed here",
        "a ': ' is not expected here: quote the text, or mend the indentation",
    ),
    ("could not find expected ':'", "expected ':' after a key"),
)


def compose(text: str) -> tuple[Node | None, list[Mistake]]:
    """Return the document's root (None where there is none) and the mistakes found on the way.

    Reading stops at the first mistake that leaves the rest unreadable; then
    the root is None and that mistake is the last one.
    """
    composer = _Composer()
    place: Place = (1, 1)
    try:
        for event in YAML(typ="safe", pure=True).parse(text):
            place = _place(event)
            composer.feed(event)
    except NotYamlError as error:
        return None, [*composer.mistakes, Mistake(error.place, (), error.message)]
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        if mark is not None:
            place = (mark.line + 1, mark.column + 1)
        return None, [*composer.mistakes, Mistake(place, (), _clearer(error))]
    except Exception as error:  # noqa: BLE001 - the parser fails in many ways on text that is not YAML
        message = f"not readable as YAML after this point ({type(error).__name__})"
        return None, [*composer.mistakes, Mistake(place, (), message)]
    return composer.root, composer.mistakes


def _clearer(error: MarkedYAMLError) -> str:
    """ruamel.yaml's reason, in this format's words where there are better ones."""
    reason = " ".join(str(part) for part in (error.context, error.problem) if part)
    return next((ours for theirs, ours in _CLEARER if theirs in reason), f"not YAML: {reason}")
