"""What is shipped is what was tested: the wheel, in an empty environment, with the source tree gone."""

from __future__ import annotations

import configparser
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

import emulator

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
BUILD_INPUT = ("setup.cfg", "pyproject.toml", "README.md", "LICENSE")
IGNORED = ("__pycache__", "*.pyc", ".*")
SCENARIO = """\
version: 1
name: elsewhere
network:
  routers: {r0: {asn: 65000}, r1: {asn: 65001}, r2: {asn: 65002}}
  links:
    - {ends: [r0, r1], delay: 10ms}
    - {ends: [r1, r2], delay: 10ms}
bgp: {policy: permit-all, mrai: 30s, mrai_jitter: [1, 1]}
duration: 20min
timeline:
  - {at: 0s, announce: 203.0.113.0/24, router: r0}
  - {at: 10min, withdraw: 203.0.113.0/24, router: r0}
"""
WORLD = """\
version: 1
name: world
network:
  world: builtin
  networks: [{asn: 1299}, {asn: 174}, {generate: access, count: 5}]
  cdn: {asn: 54113, pops: [LHR, FRA], transit: [1299, 174]}
"""
BACKEND = "import sys; from setuptools import build_meta; print(build_meta.{hook}(sys.argv[1]))"
"""A PEP 517 hook, called as a front end does: in the source folder, in a process of its own."""


class Distributions(NamedTuple):
    """What was built."""

    wheel: Path
    sdist: Path


class Environment(NamedTuple):
    """A virtual environment with the wheel installed, and an empty folder to work in."""

    python: Path
    program: Path
    work: Path

    def run(self, *command: str | Path) -> subprocess.CompletedProcess[str]:
        """Run ``command`` in the empty folder, with nothing of this process's Python in its environment."""
        kept = ("HOME", "PATH", "TMPDIR", "LANG")
        clean = {name: os.environ[name] for name in kept if name in os.environ}
        return subprocess.run(
            command, cwd=self.work, env=clean, capture_output=True, text=True, check=False, timeout=300
        )


def build(hook: str, source: Path, into: Path) -> Path:
    """Call a build hook in ``source``; return the file that it made in ``into``."""
    into.mkdir(exist_ok=True)
    command = [sys.executable, "-c", BACKEND.format(hook=hook), str(into)]
    done = subprocess.run(command, cwd=source, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return into / done.stdout.splitlines()[-1]


@pytest.fixture(scope="module")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> Distributions:
    """The sdist of a copy of the source tree, and the wheel of the unpacked sdist; the copies are gone."""
    folder = tmp_path_factory.mktemp("dist")
    source = folder / "source"
    source.mkdir()
    shutil.copytree(ROOT / "emulator", source / "emulator", ignore=shutil.ignore_patterns(*IGNORED))
    for name in BUILD_INPUT:
        if (ROOT / name).exists():
            shutil.copy(ROOT / name, source)
    sdist = build("build_sdist", source, folder / "made")
    shutil.rmtree(source)
    with tarfile.open(sdist) as archive:
        archive.extraction_filter = getattr(tarfile, "data_filter", None)  # Python 3.11.4 and newer have it
        archive.extractall(source)  # noqa: S202 - our own archive
    wheel = build("build_wheel", next(source.iterdir()), folder / "made")
    shutil.rmtree(source)
    return Distributions(wheel, sdist)


def environment(folder: Path, *, with_pip: bool) -> Environment:
    """Make an empty virtual environment in ``folder``."""
    place = folder / "venv"
    venv.create(place, with_pip=with_pip, symlinks=True)
    work = folder / "empty"
    work.mkdir()
    return Environment(place / "bin" / "python", place / "bin" / "ipa-emulator", work)


@pytest.fixture(scope="module")
def installed(distributions: Distributions, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """The wheel in an environment that sees this one's dependencies, but not this one's emulator."""
    made = environment(tmp_path_factory.mktemp("installed"), with_pip=False)
    command = [sys.executable, "-m", "pip", "--python", made.python, "--disable-pip-version-check",
               "install", "--quiet", "--no-deps", "--no-index", distributions.wheel]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True)
    asked = made.run(made.python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))")
    seen = sorted({sysconfig.get_path("purelib"), sysconfig.get_path("platlib")})
    Path(asked.stdout.strip(), "dependencies.pth").write_text("\n".join(seen))
    return made


def shipped_files() -> Iterator[str]:
    """Every file that a wheel must have: the package's modules, and all that lies in its data folders."""
    for path in sorted((ROOT / "emulator").rglob("*")):
        parts = path.relative_to(ROOT).parts
        if path.is_file() and "__pycache__" not in parts and not path.name.startswith("."):
            yield "/".join(parts)


def test_the_wheel_has_every_file_of_the_package_and_nothing_else(distributions: Distributions) -> None:
    """Data, templates and ``py.typed`` too; no tests, no caches."""
    with zipfile.ZipFile(distributions.wheel) as wheel:
        names = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert sorted(names) == list(shipped_files())
    for expected in ("py.typed", "network/data/cables.csv", "analysis/templates/report.html"):
        assert f"emulator/{expected}" in names


def test_the_metadata_is_whole(distributions: Distributions) -> None:
    """Version, Python versions, license text and console script."""
    with zipfile.ZipFile(distributions.wheel) as wheel:
        [info] = sorted({name.split("/")[0] for name in wheel.namelist() if ".dist-info/" in name})
        names = [name.removeprefix(f"{info}/") for name in wheel.namelist() if name.startswith(info)]
        metadata = wheel.read(f"{info}/METADATA").decode()
        scripts = wheel.read(f"{info}/entry_points.txt").decode()
        assert [name for name in names if name.endswith("LICENSE")]
    assert f"\nVersion: {emulator.__version__}\n" in metadata
    assert "\nRequires-Python: >=3.11\n" in metadata
    assert "ipa-emulator = emulator.cli.main:main" in scripts
    assert distributions.wheel.name.endswith("-py3-none-any.whl")
    assert distributions.sdist.name == f"ipa_emulator-{emulator.__version__}.tar.gz"


def test_the_requirements_have_lower_bounds_only() -> None:
    """An upper bound here would break somebody else's environment; what was tested is in the constraints."""
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    required = setup["options"]["install_requires"].split("\n") + setup["options.extras_require"][
        "test"
    ].split("\n")
    listed = [line for line in required if line]
    assert [line for line in listed if " >= " not in line or "<" in line or "==" in line] == []
    pinned = {
        line.split("==")[0].lower()
        for line in (ROOT / ".ci" / "constraints.txt").read_text(encoding="utf-8").splitlines()
        if "==" in line
    }
    assert [line for line in listed if line.split(" >= ")[0].lower() not in pinned] == []


def test_the_installed_program_is_the_wheels(installed: Environment) -> None:
    """Otherwise the tests below would prove nothing."""
    code = "import emulator; print(emulator.__file__, emulator.__version__)"
    found = installed.run(installed.python, "-I", "-c", code)
    place, version = found.stdout.split()
    assert (found.stderr, version) == ("", emulator.__version__)
    assert Path(place).is_relative_to(installed.python.parents[1])
    assert not Path(place).is_relative_to(ROOT / "emulator")


def assert_imports(installed: Environment) -> None:
    """Every module, without a warning."""
    code = (
        "import importlib, pkgutil, emulator\n"
        "names = [m.name for m in pkgutil.walk_packages(emulator.__path__, 'emulator.')]\n"
        "for name in names:\n"
        "    if not name.endswith('__main__'): importlib.import_module(name)\n"
        "print(len(names))\n"
    )
    found = installed.run(installed.python, "-I", "-W", "error", "-c", code)
    assert found.returncode == 0, found.stderr
    modules = [name for name in shipped_files() if name.endswith(".py")]
    assert int(found.stdout) == len(modules) - 1  # the package itself is not walked


def test_every_module_of_the_wheel_imports(installed: Environment) -> None:
    """Nothing leans on the source tree to be imported."""
    assert_imports(installed)


def assert_runs(installed: Environment) -> None:
    """Console script and module: a scenario file outside the repository, and the built-in world."""
    lab, world = installed.work / "elsewhere.yaml", installed.work / "world.yaml"
    lab.write_text(SCENARIO)
    world.write_text(WORLD)
    version = installed.run(installed.program, "--version")
    assert version.stdout == f"ipa-emulator, version {emulator.__version__}\n"
    run = installed.run(installed.program, "run", "elsewhere.yaml")
    assert (run.returncode, run.stdout.splitlines()[-1]) == (0, "report: out/elsewhere/report.html")
    out = installed.work / "out" / "elsewhere"
    summary = json.loads((out / "summary.json").read_text())
    assert summary["events"][1]["control_plane_convergence_s"] == 0.02
    assert (out / "report.html").stat().st_size > 10_000
    assert (out / "plots" / "updates.svg").read_text().startswith("<?xml")
    built = installed.run(
        installed.python, "-m", "emulator", "run", "world.yaml", "--no-plots", "--format", "json", "-q"
    )
    assert built.returncode == 0, built.stderr
    assert json.loads(built.stdout)["scenario"] == "world"


def test_the_wheel_runs_without_the_source_tree(installed: Environment) -> None:
    """From an empty folder; data and templates come from the wheel."""
    assert_runs(installed)


@pytest.mark.slow
def test_the_wheel_installs_into_an_empty_environment(distributions: Distributions, tmp_path: Path) -> None:
    """With what the index gives for the declared requirements, and nothing else: they are complete."""
    made = environment(tmp_path, with_pip=True)
    command = [made.python, "-m", "pip", "--disable-pip-version-check", "--no-input",
               "install", "--quiet", distributions.wheel]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert_imports(made)
    assert_runs(made)
