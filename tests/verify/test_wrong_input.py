"""What a person gets wrong is said at once, with exit code 2 and before anything is started."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

from emulator.cli.main import main
from emulator.verify.daemons import base
from emulator.verify.reaper import namespaces_of

from daemon_labs import needs, scenario_file, triangle

if TYPE_CHECKING:
    from pathlib import Path


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Run verify, expect exit code 2, and return what was said."""
    code = main(["verify", *arguments])
    said = capsys.readouterr().err
    assert code == 2, said
    assert "Traceback" not in said
    assert namespaces_of(f"ipa-{os.getpid()}-") == []
    return said


def test_somebody_who_is_not_root(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Namespaces need root; the message says what to do."""
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    file = scenario_file(tmp_path, triangle())
    assert "needs root" in refused(capsys, str(file), "--against", "bird")


def test_another_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """So does Linux."""
    monkeypatch.setattr(sys, "platform", "darwin")
    file = scenario_file(tmp_path, triangle())
    assert "needs Linux" in refused(capsys, str(file), "--against", "bird")


@needs()
@pytest.mark.parametrize(
    ("daemon", "package"), [("bird", "bird2"), ("frr", "frr"), ("gobgp", "gobgpd"), ("openbgpd", "openbgpd")]
)
def test_a_daemon_that_is_not_installed(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    daemon: str,
    package: str,
) -> None:
    """The message names the Debian package."""
    monkeypatch.setattr(base, "find_program", lambda _name: None)
    file = scenario_file(tmp_path, triangle())
    said = refused(capsys, str(file), "--against", daemon)
    assert f"{daemon} is not installed" in said
    assert f"apt-get install {package}" in said


def test_an_event_that_real_routers_cannot_play(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It is located in the file."""
    document = triangle()
    document["timeline"].append({"at": "50min", "blackhole": {"router": "r1"}})
    file = scenario_file(tmp_path, document)
    said = refused(capsys, str(file), "--against", "bird")
    assert said.startswith(f"error: {file}:")
    assert "timeline.4.blackhole: r1 drops everything: verify cannot do this to real routers" in said


@needs("bird")
def test_a_setting_that_the_daemon_does_not_have(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """BIRD has no flap damping: each router it would be needed at is named."""
    file = scenario_file(tmp_path, triangle(flap_damping={"half_life": "15min"}))
    said = refused(capsys, str(file), "--against", "bird")
    assert "router r1: bird has no flap damping" in said


@needs()
def test_like_without_a_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`--against like` needs every router to say what it is like."""
    file = scenario_file(tmp_path, triangle())
    said = refused(capsys, str(file), "--against", "like")
    assert "network.routers.r1: expected `like` to be one of bird, frr, gobgp, openbgpd" in said


def test_a_daemon_that_nobody_knows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The choices are listed."""
    file = scenario_file(tmp_path, triangle())
    assert "'bird', 'frr', 'gobgp', 'openbgpd'" in refused(capsys, str(file), "--against", "quagga")
