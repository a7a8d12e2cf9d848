"""Whatever becomes of a verification, no namespace and no process is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from emulator.verify.reaper import namespaces_of

from daemon_labs import needs, scenario_file, triangle

LIMIT_S = 30.0


def started(folder: Path) -> tuple[subprocess.Popen[bytes], str]:
    """A verification with its daemons running, and the prefix of its namespaces."""
    document = triangle()
    document["timeline"] = []
    # The kept folder tells when daemons run; the last router's session cannot come up, so they go on running.
    file = scenario_file(folder, document)
    program = [
        sys.executable,
        "-c",
        f"import sys; from {__name__} import never_quiet; never_quiet(sys.argv[1:])",
    ]
    process = subprocess.Popen(
        [*program, str(file), str(folder / "kept")],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), str(Path(__file__).parents[2])]),
        },
    )
    deadline = time.monotonic() + LIMIT_S
    while len(daemons_of(folder)) < 3 and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.05)
    return process, f"ipa-{process.pid}-"


def never_quiet(arguments: list[str]) -> None:
    """Start a lab's daemons and wait for ever: the program that is killed."""
    from emulator.scenario.build import build
    from emulator.scenario.loader import load
    from emulator.verify.blueprint import blueprint
    from emulator.verify.daemons import kind_of
    from emulator.verify.lab import Lab

    plan = build(load(arguments[0]))
    layout = blueprint(plan, plan.wiring)
    with Lab(Path(arguments[1])) as lab:
        lab.build(layout.setups, layout.wires, [kind_of("bird")] * 3)
        lab.start()
        while True:
            time.sleep(1)


def daemons_of(folder: Path) -> list[int]:
    """Processes whose command line names the folder that configurations are kept in."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if b"bird.conf" in words and str(folder).encode() in words:
                found.append(int(entry.name))
    return found


@needs("bird")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_nothing_is_left_after_a_signal(tmp_path: Path, number: signal.Signals) -> None:
    """SIGKILL leaves a program no time for anything; the watchdog has seen its pipe close."""
    process, prefix = started(tmp_path)
    assert len(daemons_of(tmp_path)) == 3
    assert len(namespaces_of(prefix)) == 3
    process.send_signal(number)
    process.wait(LIMIT_S)
    deadline = time.monotonic() + LIMIT_S
    while (namespaces_of(prefix) or daemons_of(tmp_path)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert daemons_of(tmp_path) == []
    assert namespaces_of(prefix) == []
