"""The structure of the source tree: rules that a reviewer would otherwise have to remember.

Every rule lists all that breaks it, as ``path:line: what``.
"""

from __future__ import annotations

import ast
import configparser
import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import emulator
from emulator.scenario.loader import load

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "emulator"
LINES_MAX = 600
FUNCTION_LINES_MAX = 70
TRACKED_BYTES_MAX = 2**20
PLOT_BYTES_MAX = 400_000
PLOTS_BYTES_MAX = 12_000_000
SCENARIOS = sorted((ROOT / "scenarios").glob("*.yaml"))
MACHINE_PATH = re.compile(r"(?<![\w.])/(?:home|root|Users|work|tmp|opt|workspace)/[\w.]")
UNFINISHED = re.compile(r"\b(?:TO" r"DO|FIX" r"ME|X" r"XX|HA" r"CK)\b")
TEXT = {".py", ".cfg", ".toml", ".md", ".yaml", ".csv", ".html", ".txt", ".json", ""}
RANDOM_OR_CLOCK = {"random", "secrets", "time", "uuid"}
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)

type_checking = "TYPE_CHECKING"


@cache
def parsed(path: Path) -> ast.Module:
    """The syntax tree of a module."""
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def modules(folder: Path = PACKAGE) -> list[Path]:
    """Every module below ``folder``."""
    found = sorted(folder.rglob("*.py"))
    assert found, f"no modules in {folder}"
    return found


def at(path: Path, node: ast.AST | int, what: str) -> str:
    """A finding: ``path:line: what``."""
    line = node if isinstance(node, int) else getattr(node, "lineno", 1)
    return f"{path.relative_to(ROOT)}:{line}: {what}"


def report(findings: list[str]) -> None:
    """Fail with every finding on a line of its own."""
    if findings:
        pytest.fail("\n".join(["", *findings]), pytrace=False)


def room(path: Path) -> str:
    """The part of the package that a module belongs to: ``bgp``, ``cli``, or a module's own name."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(tree: ast.AST) -> Iterator[tuple[ast.stmt, str]]:
    """Top-level names imported at run time, with the statement; what only types need is left out."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == type_checking:
            continue
        if isinstance(node, ast.Import):
            for name in node.names:
                yield node, name.name.split(".")[0]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node, node.module.split(".")[0]
        else:
            yield from imports(node)


@cache
def tracked() -> tuple[Path, ...]:
    """Every file that git has, or would add."""
    command = [
        "git",
        "-c",
        "safe.directory=*",
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
    ]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git work tree: nothing says which files belong to the project")
    names = sorted(set(done.stdout.decode().split("\0")) - {""})
    return tuple(path for path in (ROOT / name for name in names) if path.is_file())


def test_no_module_is_long() -> None:
    """A module that has to be scrolled has two subjects."""
    paths = [*modules(), *modules(ROOT / "tests")]
    lengths = [(path, len(path.read_text(encoding="utf-8").splitlines())) for path in paths]
    report([at(path, n, f"{n} lines; {LINES_MAX} at most") for path, n in lengths if n > LINES_MAX])


def test_no_function_is_long() -> None:
    """From ``def`` to the last line, docstring included."""
    report([
        at(path, node, f"{node.name}: {length} lines; {FUNCTION_LINES_MAX} at most")
        for path in [*modules(), *modules(ROOT / "tests")]
        for node in ast.walk(parsed(path))
        if isinstance(node, FUNCTIONS)
        and (length := (node.end_lineno or node.lineno) - node.lineno + 1) > FUNCTION_LINES_MAX
    ])  # fmt: skip


def undocumented(path: Path) -> Iterator[str]:
    """Public modules, classes, functions and methods without a docstring."""
    tree = parsed(path)
    if ast.get_docstring(tree) is None:
        yield at(path, 1, "the module has no docstring")
    scopes: list[tuple[str, ast.Module | ast.ClassDef]] = [("", tree)]
    while scopes:
        prefix, scope = scopes.pop(0)
        for node in scope.body:
            if not isinstance(node, (*FUNCTIONS, ast.ClassDef)) or node.name.startswith("_"):
                continue
            if ast.get_docstring(node) is None and not is_overload(node):
                yield at(path, node, f"{prefix}{node.name} has no docstring")
            if isinstance(node, ast.ClassDef):
                scopes.append((f"{prefix}{node.name}.", node))


def is_overload(node: ast.AST) -> bool:
    """Whether a function is one signature of several; the last one is documented."""
    return isinstance(node, FUNCTIONS) and any(
        isinstance(decorator, ast.Name) and decorator.id == "overload" for decorator in node.decorator_list
    )


def test_every_public_name_is_documented() -> None:
    """Modules, classes, functions and methods."""
    report([finding for path in modules() for finding in undocumented(path)])


def test_dice_and_clocks_stay_in_their_rooms() -> None:
    """Results follow from the seed alone: only ``rng`` draws, only the command line reads a clock.

    ``verify`` waits for real routers, which live by the wall's.
    """
    report([
        at(path, node, f"imports {name}; only rng.py, cli/ and verify/ may")
        for path in modules()
        if room(path) not in ("rng", "cli", "verify")
        for node, name in imports(parsed(path))
        if name in RANDOM_OR_CLOCK
    ])  # fmt: skip


def calls_on(tree: ast.AST, owner: str) -> Iterator[tuple[ast.Attribute, str]]:
    """Attributes reached through a plain name: ``owner.attribute``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == owner:
            yield node, node.attr


def lookups(tree: ast.AST) -> list[ast.expr]:
    """Keys that only find something again: what they are is seen nowhere."""
    found: list[ast.expr] = []
    for node in ast.walk(tree):
        match node:
            case ast.Subscript(slice=key) | ast.DictComp(key=key):
                found.append(key)
            case ast.Call(func=ast.Attribute(attr="get"), args=[key, *_]):
                found.append(key)
    return found


def test_nothing_reads_the_date_or_draws_without_a_seed() -> None:
    """The same for what other modules offer: ``datetime.now``, numpy's global generator, ``hash``."""
    findings = []
    for path in modules():
        if room(path) in ("rng", "cli", "verify"):
            continue
        tree = parsed(path)
        for owner in ("datetime", "date"):
            findings += [
                at(path, node, f"{owner}.{name} reads the clock")
                for node, name in calls_on(tree, owner)
                if name in ("now", "utcnow", "today")
            ]
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                called = ast.unparse(node.func)
                if called.endswith("random.default_rng") and not node.args:
                    findings.append(at(path, node, "a generator without a seed"))
                if called == "hash" or (called == "id" and node not in lookups(tree)):
                    findings.append(at(path, node, f"{called}() differs from process to process"))
    report(findings)


def test_simpy_stays_in_its_room() -> None:
    """``sim/`` is the only one that knows the event loop."""
    report([
        at(path, node, "imports simpy; only sim/ may")
        for path in modules()
        if room(path) != "sim"
        for node, name in imports(parsed(path))
        if name == "simpy"
    ])  # fmt: skip


def is_set(node: ast.expr) -> bool:
    """Whether an expression is a set by its looks: a display, a comprehension, a call, an operation."""
    if isinstance(node, (ast.Set, ast.SetComp)):
        return True
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        return node.func.id in ("set", "frozenset")
    if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.BitOr, ast.BitAnd, ast.Sub, ast.BitXor)):
        return is_set(node.left) or is_set(node.right)
    return False


def iterated(node: ast.AST) -> Iterator[ast.expr]:
    """What a statement or expression goes through in order."""
    if isinstance(node, (ast.For, ast.AsyncFor)):
        yield node.iter
    elif isinstance(node, (ast.ListComp, ast.GeneratorExp, ast.DictComp)):
        yield from (generator.iter for generator in node.generators)
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        if node.func.id in ("list", "tuple", "enumerate", "zip", "iter", "next", "map"):
            yield from node.args
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "join":
        yield from node.args
    elif isinstance(node, ast.Starred):
        yield node.value


def unordered(path: Path) -> Iterator[str]:
    """Places that go through a set in an order that depends on the process.

    A set that is named first and gone through later is seen where both are in one function.
    """
    scopes = [parsed(path), *(node for node in ast.walk(parsed(path)) if isinstance(node, FUNCTIONS))]
    seen = []
    for scope in scopes:
        named: dict[str, bool] = {}
        for node in ast.walk(scope):
            if (
                isinstance(node, ast.Assign)
                and len(node.targets) == 1
                and isinstance(node.targets[0], ast.Name)
            ):
                name = node.targets[0].id
                named[name] = named.get(name, True) and is_set(node.value)
        local = {name for name, always in named.items() if always and scope is not scopes[0]}
        for node in ast.walk(scope):
            for source in iterated(node):
                is_named = isinstance(source, ast.Name) and source.id in local
                if (is_set(source) or is_named) and (source.lineno, source.col_offset) not in seen:
                    seen.append((source.lineno, source.col_offset))
                    yield at(path, source, f"goes through the set {ast.unparse(source)}; sort it first")


def exempt(tree: ast.AST) -> set[int]:
    """Lines inside what does not mind order: sorted, sets and what extends them, any, all, min, max, len."""
    careless = ("sorted", "set", "frozenset", "any", "all", "len", "min", "max")
    methods = ("union", "intersection", "difference", "issubset", "issuperset", "isdisjoint")
    return {
        inner.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and (
            (isinstance(node.func, ast.Name) and node.func.id in careless)
            or (isinstance(node.func, ast.Attribute) and node.func.attr in methods)
        )
        for argument in node.args
        if isinstance(argument, (ast.GeneratorExp, ast.ListComp, ast.Starred))
        for inner in ast.walk(argument)
        if isinstance(inner, ast.expr)
    }


def test_no_set_is_gone_through_unsorted() -> None:
    """The order of a set of texts differs with PYTHONHASHSEED, and so does what is computed in that order."""
    findings = []
    for path in modules():
        spared = exempt(parsed(path))
        findings += [found for found in unordered(path) if int(found.split(":")[1]) not in spared]
    report(findings)


@pytest.mark.parametrize(
    ("source", "is_found"),
    [
        ("for x in {1, 2}: pass", True),
        ("y = [x for x in set(z)]", True),
        ("y = list({1} | z)", True),
        ("def f(z):\n    s = set(z)\n    for x in s: pass", True),
        ("def f(z):\n    s = set(z)\n    for x in sorted(s): pass", False),
        ("y = {x for x in {1, 2}}", False),
        ("for x in [1, 2]: pass", False),
    ],
)
def test_the_search_for_sets_finds_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, source: str,
                                        is_found: bool) -> None:  # fmt: skip
    """The rule above can fail."""
    path = tmp_path / "module.py"
    path.write_text(source)
    monkeypatch.setattr(f"{__name__}.ROOT", tmp_path)
    assert bool(list(unordered(path))) == is_found


def test_only_the_command_line_prints() -> None:
    """Everything else returns, raises or records."""
    report([
        at(path, node, f"calls {node.func.id}")
        for path in modules()
        if room(path) != "cli"
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in ("print", "input", "breakpoint")
    ])  # fmt: skip


def line_findings(found: Callable[[str], str | None]) -> list[str]:
    """Findings of a rule about single lines, over every text file of the project but this one."""
    findings = []
    for path in tracked():
        if path.suffix in TEXT and path != Path(__file__):
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
                what = found(line)
                if what is not None:
                    findings.append(at(path, number, what))
    return findings


def test_nothing_is_left_for_later_in_the_text() -> None:
    """What is missing is said where a user looks, not in a comment."""
    report(line_findings(lambda line: f"says {m.group()}" if (m := UNFINISHED.search(line)) else None))


def test_no_path_of_somebodys_machine() -> None:
    """The project works from wherever it is cloned."""
    report(line_findings(lambda line: f"names {m.group()}" if (m := MACHINE_PATH.search(line)) else None))


def test_no_file_is_heavy() -> None:
    """A clone stays quick: no file over 1 MiB, pictures within their budget."""
    sizes = [(path, path.stat().st_size) for path in tracked()]
    plots = [(path, size) for path, size in sizes if path.parent.is_relative_to(ROOT / "plots")]
    report([
        *(at(path, 1, f"{size} bytes; {TRACKED_BYTES_MAX} at most") for path, size in sizes
          if size > TRACKED_BYTES_MAX),
        *(at(path, 1, f"{size} bytes; {PLOT_BYTES_MAX} at most for a picture") for path, size in plots
          if size > PLOT_BYTES_MAX),
    ])  # fmt: skip
    assert sum(size for _, size in plots) <= PLOTS_BYTES_MAX


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_every_scenario_of_the_library_is_right(path: Path) -> None:
    """It is valid, is called what its file is called, says what it is about and what must come out."""
    document = load(path).document
    assert document.name == path.stem
    assert path.read_text(encoding="utf-8").startswith("# ")


def test_the_library_is_there() -> None:
    """The test above is not about nothing."""
    assert {"red-sea-2024", "clique-5-withdraw"} <= {path.stem for path in SCENARIOS}


def test_the_version_is_told_alike_everywhere() -> None:
    """The package's, and the newest entry of the change log."""
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    newest = re.search(r"^## (\S+)", changes, re.MULTILINE)
    assert newest is not None
    assert newest.group(1) == emulator.__version__


def test_the_readme_leads_somewhere() -> None:
    """It names the two commands, and only files that exist."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for part in ("make run", "make test"):
        assert part in readme
    lines = readme.splitlines()
    links = [
        (number, target)
        for number, line in enumerate(lines, 1)
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", line)
        if "://" not in target
    ]
    report([
        at(ROOT / "README.md", number, f"{target} does not exist")
        for number, target in links
        if not (ROOT / target).exists()
    ])  # fmt: skip


def requirements(section: str, key: str) -> set[str]:
    """Names of the distributions that setup.cfg lists."""
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    return {line.split()[0] for line in setup[section][key].split("\n") if line}


def third_party(paths: list[Path]) -> set[str]:
    """Top-level modules imported by ``paths`` that are neither ours nor Python's."""
    ours = {path.stem for path in (ROOT / "tests").rglob("*.py")} | {"emulator"}
    names = {name for path in paths for _, name in imports(parsed(path))}
    return names - ours - set(sys.stdlib_module_names)


DISTRIBUTIONS = {
    "PIL": "pillow",
    "markupsafe": "jinja2",
    "pydantic_core": "pydantic",
    "pytest_benchmark": "pytest-benchmark",
    "ruamel": "ruamel.yaml",
}
"""Import name -> the distribution that brings it, where they differ."""


def test_requirements_are_what_is_imported() -> None:
    """Nothing is missing from setup.cfg, and nothing is in it that is not used; numba may be absent."""
    used = {DISTRIBUTIONS.get(name, name) for name in third_party(modules())}
    declared = requirements("options", "install_requires") | requirements("options.extras_require", "fast")
    assert (sorted(used - declared), sorted(declared - used)) == ([], [])


def test_test_requirements_cover_what_the_tests_import() -> None:
    """Nothing that happens to be installed here is needed unsaid."""
    used = {DISTRIBUTIONS.get(name, name) for name in third_party(modules(ROOT / "tests"))}
    declared = requirements("options", "install_requires") | requirements("options.extras_require", "test")
    assert sorted(used - declared) == []


def test_every_room_has_its_place_in_the_layers() -> None:
    """A new module or folder has to say where in the data flow it stands."""
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    layers = setup["importlinter:contract:layers"]["layers"].replace("|", "\n").split()
    placed = {layer.split(".")[1] for layer in layers}
    assert sorted({room(path) for path in modules()} - {"__init__"} - placed) == []
