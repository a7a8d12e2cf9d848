"""A scenario file to a validated document, with every mistake located and reported at once.

Form first: bytes, text, nodes, then the models of `emulator.scenario.schema`,
then what the keys mean together (`emulator.scenario.check`). Nothing here looks
at the network's data or at other files, so the answer is the same everywhere.
"""

from __future__ import annotations

import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pydantic import ValidationError

from emulator.errors import Problem, ScenarioError, suggest
from emulator.scenario.check import check
from emulator.scenario.fields import TAG
from emulator.scenario.nodes import BYTES_MAX, Node, NotYamlError, Place, compose, decode
from emulator.scenario.schema import Scenario

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable

    from pydantic_core import ErrorDetails

    from emulator.scenario.findings import Finding

DocumentPath = tuple[str | int, ...]
"""Keys and list indices from the top: ``("timeline", 2, "cut", "cable")``."""
_SHOWN_MAX: Final = 60


@dataclass(frozen=True, slots=True)
class Loaded:
    """A valid document, and what is needed to say where something in it stands.

    ``folder`` is where relative paths start; ``data`` are the file's bytes.
    """

    document: Scenario
    file: str
    folder: Path
    data: bytes
    root: Node

    def problem(self, path: DocumentPath, message: str) -> Problem:
        """Return a `Problem` at ``path``, or at the nearest thing around it that the file has."""
        return _problem(self.file, self.root, path, message)


def load(path: str | os.PathLike[str]) -> Loaded:
    """Read and validate a scenario file; `ScenarioError` carries all that is wrong with it."""
    return _right(*examine(path))


def loads(data: bytes | str, file: str = "<scenario>", *, folder: Path | None = None) -> Loaded:
    """`load` for bytes or text at hand; ``file`` names them in messages."""
    return _right(*_examined(data, file, folder))


def examine(path: str | os.PathLike[str]) -> tuple[Loaded, tuple[Finding, ...]]:
    """Read a scenario file of the right form, and what is wrong with its keys' meaning together.

    `ScenarioError` carries all that is wrong with the form. `review` of
    `emulator.scenario.build` goes on from here.
    """
    file = str(path)
    return _examined(_read(file), file, Path(file).parent)


def _right(loaded: Loaded, findings: tuple[Finding, ...]) -> Loaded:
    """``loaded``, unless something is wrong with it."""
    if findings:
        raise ScenarioError(tuple(sorted(dict.fromkeys(loaded.problem(*each) for each in findings))))
    return loaded


def _examined(data: bytes | str, file: str, folder: Path | None) -> tuple[Loaded, tuple[Finding, ...]]:
    raw = data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data
    try:
        root, mistakes = compose(decode(raw))
    except NotYamlError as error:
        raise ScenarioError((Problem(file, *error.place, "", error.message),)) from None
    problems = [Problem(file, *place, _path_text(path), _one_line(text)) for place, path, text in mistakes]
    if root is None and not problems:
        problems = [
            Problem(
                file, 0, 0, "", "expected a scenario with `version`, `name` and `network`, got an empty file"
            )
        ]
    if root is None:
        raise ScenarioError(tuple(sorted(dict.fromkeys(problems))))
    document, found = _validate(file, root)
    taken = {(problem.line, problem.column) for problem in problems}
    problems += [problem for problem in found if (problem.line, problem.column) not in taken]
    if problems or document is None:
        raise ScenarioError(tuple(sorted(dict.fromkeys(problems))))
    return Loaded(document, file, folder or Path(), raw, root), tuple(check(document))


def _read(file: str) -> bytes:
    """Return the bytes of a regular file of bearable size."""
    try:
        status = Path(file).stat()
        if not stat.S_ISREG(status.st_mode):
            what = "a folder" if stat.S_ISDIR(status.st_mode) else "a pipe, socket or device"
            raise ScenarioError((Problem(file, 0, 0, "", f"expected a scenario file, got {what}"),))
        if status.st_size > BYTES_MAX:
            size = f"at most {BYTES_MAX // 1024**2} MiB, got {status.st_size / 1024**2:.1f} MiB"
            raise ScenarioError((Problem(file, 0, 0, "", f"expected {size}"),))
        with Path(file).open("rb") as stream:
            return stream.read(BYTES_MAX + 1)
    except FileNotFoundError:
        message = f"no such file{suggest(Path(file).name, _siblings(file))}"
    except PermissionError:
        message = "not allowed to read this file"
    except OSError as error:
        message = f"cannot be read: {error.strerror or error}"
    except ValueError:  # a NUL in the name
        message = "cannot be read: not a file name"
    raise ScenarioError((Problem(file, 0, 0, "", message),))


def _siblings(file: str) -> list[str]:
    """Scenario files in the same folder, for a suggestion."""
    try:
        return sorted(one.name for one in Path(file).parent.iterdir() if one.suffix in {".yaml", ".yml"})
    except OSError:
        return []


def _validate(file: str, root: Node) -> tuple[Scenario | None, list[Problem]]:
    if not isinstance(root.value, dict):
        wanted = "expected a scenario, a mapping with `version`, `name` and `network`"
        return None, [Problem(file, *root.place, "", f"{wanted}, got {_shown(root)}")]
    try:
        return Scenario.model_validate(root.value), []
    except ValidationError as error:
        found = error.errors(include_url=False)
        return None, [_translated(file, root, one) for one in found if not _is_echo(root, one)]


def _is_echo(root: Node, error: ErrorDetails) -> bool:
    """Whether a list is "too short" only because pydantic does not count what is wrong in it otherwise."""
    if error["type"] != "too_short":
        return False
    node = _nearest(root, _real_path(root, error["loc"]))[0]
    return isinstance(node.value, tuple) and len(node.value) >= error["ctx"]["min_length"]


def _translated(file: str, root: Node, error: ErrorDetails) -> Problem:
    """One of pydantic's errors in this format's words."""
    at_key = error["type"] == "unknown" or (bool(error["loc"]) and error["loc"][-1] == "[key]")
    path = _real_path(root, error["loc"])
    node = _nearest(root, path)[0]
    return _problem(file, root, path, _message(error, node), at_key=at_key)


def _real_path(root: Node, location: Iterable[str | int]) -> DocumentPath:
    """``location`` without the parts that name branches of unions."""
    parts = [part for part in location if not (isinstance(part, str) and part.startswith(TAG))]
    path: list[str | int] = []
    node: Node | None = root
    for part in parts:
        if part == "[key]" and (node is None or part not in node.children):
            break
        path.append(part)
        node = _child(node, part)
    return tuple(path)


_NUMBER_KINDS: Final = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
}
_KINDS: Final = {
    **_NUMBER_KINDS,
    "bool_type": "true or false",
    "string_type": "text",
    "tuple_type": "a list",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
}
_LIMITS: Final = {
    "greater_than": ("gt", "more than"),
    "greater_than_equal": ("ge", "at least"),
    "less_than": ("lt", "less than"),
    "less_than_equal": ("le", "at most"),
}


def _message(error: ErrorDetails, node: Node) -> str:
    """Say what was expected and what was found."""
    kind, wanted, got = error["type"], _wanted(error, node), _shown(node)
    if kind in {"full", "unknown"} or wanted is None:
        return error["msg"]
    if kind == "missing" and not isinstance(error["loc"][-1], int):
        return f"missing key {error['loc'][-1]!r}"
    after = ""
    if kind == "literal_error" and isinstance(node.value, str):
        words = error["ctx"]["expected"].replace(" or ", ", ").split(",")
        after = suggest(node.value, [word.strip().strip("'") for word in words])
    elif kind == "string_type" and isinstance(node.value, (int, float)):
        after = ": quote it"
    elif kind.startswith(("too_", "missing")):
        got = f"{len(node.value)}"
    return f"expected {wanted}, got {got}{after}"


def _wanted(error: ErrorDetails, node: Node) -> str | None:
    """Name what would have been right, or None where pydantic's own words have to do."""
    kind, context = error["type"], error.get("ctx", {})
    fixed = {"expected": error["msg"], "literal_error": str(context.get("expected")), **_KINDS}
    if kind in fixed:
        return fixed[kind]
    if kind in _LIMITS:
        key, words = _LIMITS[kind]
        return f"{words} {context[key]}"
    if kind == "missing":
        return f"{int(error['loc'][-1]) + 1} items or more" if isinstance(error["loc"][-1], int) else ""
    if kind in {"too_short", "string_too_short"}:
        return f"at least {context['min_length']} {_counted(node)}"
    if kind in {"too_long", "string_too_long"}:
        return f"at most {context['max_length']} {_counted(node)}"
    return None


def _counted(node: Node) -> str:
    return "characters" if isinstance(node.value, str) else "items"


def _shown(node: Node) -> str:
    """Return what stands in the file, briefly."""
    value = node.value
    if isinstance(value, dict):
        return "a mapping" if value else "an empty mapping"
    if isinstance(value, tuple):
        return "a list" if value else "an empty list"
    text = node.text if len(node.text) <= _SHOWN_MAX else node.text[:_SHOWN_MAX] + "..."
    if isinstance(value, str):
        return repr(text)
    if value is None:
        return "nothing"
    return text if isinstance(value, bool) else f"the number {text}"


def _child(node: Node | None, part: str | int) -> Node | None:
    if node is None:
        return None
    if isinstance(part, int):
        return node.items[part] if 0 <= part < len(node.items) else None
    return node.children.get(part)


def _nearest(root: Node, path: DocumentPath) -> tuple[Node, Place | None]:
    """Return the deepest node on ``path`` that exists, and the place of its key, if it has one."""
    node, key = root, None
    for part in path:
        child = _child(node, part)
        if child is None:
            break
        key = node.keys.get(part) if isinstance(part, str) else None
        node = child
    return node, key


def _problem(file: str, root: Node, path: DocumentPath, message: str, *, at_key: bool = False) -> Problem:
    node, key = _nearest(root, path)
    place = key if at_key and key else node.place
    return Problem(file, *place, _path_text(path), _one_line(message))


def _path_text(path: DocumentPath) -> str:
    return _one_line(".".join(str(part) for part in path))


def _one_line(text: str) -> str:
    """``text`` with line ends and control characters escaped: quoted YAML may hold any of them."""
    return "".join(one if one.isprintable() else ascii(one)[1:-1] for one in text)
