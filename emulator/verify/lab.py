"""One run's daemons: their namespaces, directories and processes, from start to clean end."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

from emulator.errors import InputError
from emulator.verify import reaper
from emulator.verify.daemons.base import DaemonError, find_program
from emulator.verify.namespaces import Namespaces, Wire, new_prefix
from emulator.verify.nodelay import set_nodelay

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from emulator.verify.daemons.base import Daemon, DaemonKind, RouterSetup

_HANDS: Final = 8
"""Threads that start daemons and ask them: they wait for processes most of the time."""
_Answer = TypeVar("_Answer")


def require_linux_root() -> None:
    """Raise `InputError` where no network namespaces can be made."""
    if sys.platform != "linux":
        message = "verify needs Linux: it runs routing daemons in network namespaces"
        raise InputError(message)
    if os.geteuid() != 0:
        message = "verify needs root: it makes network namespaces; run it with sudo"
        raise InputError(message)
    for program, package in (("ip", "iproute2"), ("nsenter", "util-linux")):
        if find_program(program) is None:
            message = f"{program} is missing: apt-get install {package}"
            raise InputError(message)


class Watchdog:
    """The process that cleans up after us should we be killed, and the pipe that tells it what there is."""

    def __init__(self) -> None:
        """Start it."""
        script = Path(reaper.__file__)
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(script)], stdin=subprocess.PIPE, text=True, bufsize=1
        )
        self._processes: dict[int, str] = {}
        self._prefixes: list[str] = []

    def _tell(self, line: str) -> None:
        if self.process.stdin is not None:
            self.process.stdin.write(line + "\n")

    def prefix(self, prefix: str) -> None:
        """Namespaces that start with ``prefix`` are about to be made."""
        self._prefixes.append(prefix)
        self._tell(f"prefix {prefix}")

    def directory(self, path: Path) -> None:
        """A directory is to be deleted in the end."""
        self._tell(f"directory {path}")

    def watch(self, process: int) -> None:
        """A process was started."""
        start = reaper.started_at(process)
        if start is not None:
            self._processes[process] = start
            self._tell(f"process {process} {start}")

    def clean_up(self) -> None:
        """Take everything down ourselves, then let the watchdog go."""
        reaper.end_processes(self._processes)
        for prefix in self._prefixes:
            reaper.delete_namespaces(prefix)
        with contextlib.suppress(BrokenPipeError):
            self._tell("done")
            if self.process.stdin is not None:
                self.process.stdin.close()
        self.process.wait()


class LabPlace:
    """A router's directory and namespace: `emulator.verify.daemons.base.Place`."""

    def __init__(self, lab: Lab, directory: Path, namespace: str) -> None:
        """Make the directory."""
        self._lab = lab
        self.directory = directory
        self.namespace = namespace
        directory.mkdir(mode=0o755, exist_ok=True)
        directory.chmod(0o755)

    def _inside(self, command: Sequence[str]) -> list[str]:
        program = find_program(command[0])
        if program is None:
            message = f"{command[0]} is not installed"
            raise DaemonError(message)
        return ["nsenter", f"--net=/run/netns/{self.namespace}", "--", program, *command[1:]]

    def launch(
        self,
        kind: str,
        command: Sequence[str],
        *,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
    ) -> int:
        """Start a process in the namespace that stays; return its id. Output: ``<directory>/<kind>.out``."""
        with (self.directory / f"{kind}.out").open("ab") as output:
            process = subprocess.Popen(
                self._inside(command),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=cwd,
                env=None if env is None else dict(env),
                start_new_session=True,  # Ctrl-C is ours to pass on
            )
        self._lab.adopt(process)
        return process.pid

    def run(self, command: Sequence[str], *, timeout_s: float = 30.0) -> str:
        """Run a short command in the namespace and return what it printed."""
        try:
            done = subprocess.run(
                self._inside(command),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
                timeout=timeout_s,
            )
        except subprocess.TimeoutExpired:
            message = f"{command[0]} in {self.directory.name} did not answer within {timeout_s:g} s"
            raise DaemonError(message) from None
        if done.returncode:
            message = (
                f"{' '.join(command)} in {self.directory.name}: {(done.stderr or done.stdout).strip()[-500:]}"
            )
            raise DaemonError(message)
        return done.stdout


class Lab:
    """The daemons of one run, as a context manager: whatever happens inside, all is gone afterwards.

    ``keep`` is a folder for configurations and logs; without it they are deleted.
    """

    def __init__(self, keep: Path | None = None) -> None:
        """Make nothing yet."""
        self._keep = keep
        self._watchdog: Watchdog | None = None
        self._hands = ThreadPoolExecutor(_HANDS)
        self._processes: list[subprocess.Popen[bytes]] = []
        self.namespaces = Namespaces(new_prefix())
        self.directory = Path()
        self.daemons: list[Daemon] = []
        self.places: list[LabPlace] = []

    def __enter__(self) -> Self:
        """Start the watchdog and make the directory."""
        if self._keep is None:
            self.directory = Path(tempfile.mkdtemp(prefix="ipa-emulator-verify-"))
        else:
            self.directory = self._keep.resolve()
            self.directory.mkdir(parents=True, exist_ok=True)
        # Some daemons give up root for a user of their own, who must find the way to their files.
        self.directory.chmod(0o755)
        self._watchdog = Watchdog()
        if self._keep is None:
            self._watchdog.directory(self.directory)
        return self

    def __exit__(self, *_: object) -> None:
        """Take everything down."""
        try:
            self._hands.shutdown(cancel_futures=True)
        finally:
            if self._watchdog is not None:
                self._watchdog.clean_up()
            for process in self._processes:
                process.wait()
            relay = self.namespaces.relay
            if relay is not None:
                relay.communicate()
            if self._keep is None:
                shutil.rmtree(self.directory, ignore_errors=True)

    def adopt(self, process: subprocess.Popen[Any]) -> None:
        """Be responsible for the end of a process."""
        if self._watchdog is not None:
            self._watchdog.watch(process.pid)
        self._processes.append(process)

    def end(self, processes: Sequence[int]) -> None:
        """End processes of ours before their time, and wait until they are gone."""
        named = {process: reaper.started_at(process) for process in processes}
        reaper.end_processes({process: start for process, start in named.items() if start is not None})
        ended = frozenset(processes)
        for process in self._processes:
            if process.pid in ended:
                process.wait()
        self._processes = [process for process in self._processes if process.pid not in ended]

    def without_nagle(self) -> None:
        """Have every daemon send small messages at once on the sessions that it has now."""
        for process in self._processes:
            set_nodelay(process.pid)

    def ahead_of_others(self) -> None:
        """Have our processes run as soon as they can, before what else the machine has to do.

        A daemon that waits for its turn while the others go on is overtaken, and says
        more or less than on a machine of its own. Where the system refuses, they wait.
        """
        relay = self.namespaces.relay
        for process in [each.pid for each in self._processes] + ([] if relay is None else [relay.pid]):
            with contextlib.suppress(OSError):  # it has ended, or we may not
                for thread in sorted(Path(f"/proc/{process}/task").iterdir()):
                    os.sched_setscheduler(int(thread.name), os.SCHED_RR, os.sched_param(1))

    def build(
        self, setups: Sequence[RouterSetup], wires: Sequence[Wire], kinds: Sequence[DaemonKind]
    ) -> None:
        """Make the namespaces and an idle daemon for each router, ``kinds`` in the order of ``setups``."""
        if self._watchdog is not None:
            self._watchdog.prefix(self.namespaces.prefix)
        self.namespaces.build(setups, wires)
        if self.namespaces.relay is not None and self._watchdog is not None:
            self._watchdog.watch(self.namespaces.relay.pid)
        for setup, kind in zip(setups, kinds, strict=True):
            # Numbers, not names: names are the user's, and paths to control sockets must be short.
            place = LabPlace(self, self.directory / f"r{setup.index}", self.namespaces.name(setup.index))
            self.places.append(place)
            self.daemons.append(kind.make(setup, place))

    def on_all(self, ask: Callable[[Daemon], _Answer]) -> list[_Answer]:
        """Ask every daemon, several at a time; answers in their order."""
        return list(self._hands.map(ask, self.daemons))

    def start(self) -> None:
        """Start every daemon."""
        self.on_all(lambda daemon: daemon.start())

    def check_alive(self) -> None:
        """Raise `DaemonError` with the end of its output where a process has ended by itself."""
        for process in self._processes:
            code = process.poll()
            if code is not None:
                arguments = [str(a) for a in process.args] if isinstance(process.args, list) else []
                message = (
                    f"{Path(arguments[3]).name} ended by itself (exit code {code}){self._last_words(process)}"
                )
                raise DaemonError(message)

    def _last_words(self, process: subprocess.Popen[bytes]) -> str:
        arguments = [str(a) for a in process.args] if isinstance(process.args, list) else []
        name = Path(arguments[1]).name if len(arguments) > 1 else ""
        for place in self.places:
            if place.namespace == name:
                outputs = sorted(place.directory.glob("*.out"))
                said = " / ".join(o.read_text(errors="replace").strip()[-300:] for o in outputs)
                return f" at {place.directory.name}: {said}"
        return ""


def wait_until(check: Callable[[], bool], limit_s: float, *, every_s: float = 0.05) -> bool:
    """Call ``check`` until it is true, for ``limit_s`` at most; whether it was."""
    deadline = time.monotonic() + limit_s
    while not check():
        if time.monotonic() > deadline:
            return False
        time.sleep(every_s)
    return True
