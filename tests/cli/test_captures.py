"""``run --pcap --mrt``: captures of a simulated run that other programs read, and that are the run's own."""

from __future__ import annotations

import shutil
import subprocess
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from emulator.bgp.messages import Open
from emulator.cli.captures import captures, parse_epoch
from emulator.cli.main import main
from emulator.errors import InputError
from emulator.record.folder import read_run
from emulator.scenario.build import build
from emulator.scenario.loader import loads
from emulator.wire.codec import decode
from emulator.wire.messages import UpdateMessage, prefix_text
from emulator.wire.mrt import LoggedMessage, PeerTable, State, StateChange, TableEntry
from emulator.wire.mrt_reader import read_records

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LAB = """\
version: 1
name: captured
network:
  routers:
    r0: {asn: 65000, prefixes: [192.0.2.0/24, "2001:db8:1::/48"]}
    r1: {asn: 65001}
    r2: {asn: 65002, prefixes: [198.51.100.0/24]}
    r-3: {asn: 4200000003}
    r-3b: {asn: 4200000003}
  links:
    - {ends: [r0, r1], delay: 10ms}
    - {ends: [r0, r2], delay: 5ms}
    - {ends: [r1, r2], delay: 2ms}
    - {ends: [r1, r-3], delay: 20ms}
    - {ends: [r2, r-3], delay: 1ms}
    - {ends: [r-3, r-3b], delay: 3ms}
bgp:
  policy: permit-all
  mrai: 5s
  mrai_jitter: [1, 1]
  failure_detection: hold-timer
  hold_time: 9s
  keepalive: 3s
  connect_retry: 5s
duration: 3min
timeline:
  - {at: 5s, announce: 203.0.113.0/24, router: r0}
  - {at: 20s, reset: [r0, r1]}
  - {at: 40s, cut: [r1, r2], repair_after: 40s}
  - {at: 2min, withdraw: 203.0.113.0/24, router: r0}
"""
EPOCH = 1_704_067_200
PCAPS = ("r0-r1", "r1-r0", "r1-r2", "r2-r1", "r-3-r-3b")
SECOND = 10**9
COMPLAINTS = (
    "tcp.analysis.flags || _ws.expert.severity >= 0x600000 || _ws.malformed || "
    "tcp.checksum.status == 0 || ip.checksum.status == 0"
)
needs_tshark = pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results of one run: a reset at 20 s, and at 40 s a cut that only hold timers notice."""
    return _run(tmp_path_factory.mktemp("run"))


def _run(place: Path) -> Path:
    (place / "lab.yaml").write_text(LAB)
    wanted = [word for link in PCAPS for word in ("--pcap", link)]
    out = place / "out"
    assert main(["run", "-q", "--no-plots", "--out", str(out), *wanted, "--mrt", "r1", "--mrt", "r-3b",
                 str(place / "lab.yaml")]) == 0  # fmt: skip
    return out


def _tshark(path: Path, *arguments: str) -> list[str]:
    options = ("-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE", *arguments)
    done = subprocess.run(["tshark", "-n", "-r", path, *options], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def _sent(folder: Path, sender: int, receiver: int) -> tuple[int, int]:
    """Announcements and withdrawals by the run's own count."""
    table = read_run(folder).tables["updates"]
    rows = zip(table["sender"], table["receiver"], table["withdrawal"], strict=True)
    kinds = Counter(bool(gone) for first, second, gone in rows if (first, second) == (sender, receiver))
    return kinds[False], kinds[True]


_ANNOUNCED = ("bgp.nlri_prefix", "bgp.mp_reach_nlri_ipv6_prefix")
_WITHDRAWN = ("bgp.withdrawn_prefix", "bgp.mp_unreach_nlri_ipv6_prefix")


def _seen(path: Path, source: str) -> tuple[int, int]:
    """Prefixes announced and withdrawn by ``source`` from t = 0 on, by tshark's count."""
    fields = [word for name in (*_ANNOUNCED, *_WITHDRAWN) for word in ("-e", name)]
    lines = _tshark(path, "-Y", f"bgp.type == 2 && ip.src == {source} && frame.time_epoch >= {EPOCH}",
                    "-T", "fields", "-E", "separator=;", "-E", "occurrence=a", *fields)  # fmt: skip
    counts = [[len([one for one in cell.split(",") if one]) for cell in line.split(";")] for line in lines]
    return sum(row[0] + row[1] for row in counts), sum(row[2] + row[3] for row in counts)


@needs_tshark
@pytest.mark.parametrize("link", PCAPS)
def test_tshark_has_nothing_to_complain_of(folder: Path, link: str) -> None:
    """Handshakes, a reset, collisions, a hold timer's expiry: no flag, no warning, no bad checksum."""
    path = folder / "capture" / f"{link}.pcap"

    assert not _tshark(path, "-Y", COMPLAINTS)
    assert len(_tshark(path, "-Y", "bgp")) > 100


@needs_tshark
@pytest.mark.parametrize(
    ("link", "source", "ends"),
    [
        ("r0-r1", "100.64.0.0", (0, 1)),
        ("r1-r0", "100.64.0.1", (1, 0)),
        ("r1-r2", "100.64.0.4", (1, 2)),
        ("r2-r1", "100.64.0.5", (2, 1)),
        ("r-3-r-3b", "100.96.0.4", (3, 4)),
    ],
)
def test_a_capture_has_the_messages_that_the_run_counted(
    folder: Path, link: str, source: str, ends: tuple[int, int]
) -> None:
    """UPDATEs sent, one prefix each, announcements and withdrawals: in each direction at the sender's end."""
    assert _sent(folder, *ends) == _seen(folder / "capture" / f"{link}.pcap", source)


@needs_tshark
def test_both_ends_see_the_same_messages_a_one_way_apart(folder: Path) -> None:
    """What r0 sent over the 10 ms link arrives at r1, every BGP frame 10 ms later."""
    sent, arrived = (
        [round(float(instant) * 1000) for instant in _instants(folder, link, "bgp && ip.src == 100.64.0.0")]
        for link in ("r0-r1", "r1-r0")
    )

    end = (EPOCH + 180) * 1000
    assert [instant + 10 for instant in sent if instant + 10 <= end] == arrived


def _instants(folder: Path, link: str, wanted: str) -> list[str]:
    return _tshark(
        folder / "capture" / f"{link}.pcap", "-Y", wanted, "-T", "fields", "-e", "frame.time_epoch"
    )


@needs_tshark
def test_the_sessions_end_with_the_notifications_that_the_faults_call_for(folder: Path) -> None:
    """Administrative Reset (6/4) at 20 s from r0; Hold Timer Expired (4/0), which r2 never gets.

    The hold timer of r1 expires exactly 9 s after the last KEEPALIVE that r1 saw
    arrive before the cut at 40 s.
    """
    resets = _instants(folder, "r0-r1", "bgp.notify.major_error == 6 && bgp.notify.minor_error_cease == 4")
    expiries = _instants(folder, "r1-r2", "bgp.notify.major_error == 4")
    arrived = _instants(folder, "r2-r1", "bgp.notify.major_error == 4 && ip.src == 100.64.0.4")
    heard = _instants(folder, "r1-r2", f"bgp && ip.src == 100.64.0.5 && frame.time_epoch < {EPOCH + 48}")

    assert [f"{EPOCH + 20}.000000000"] == resets
    assert [_later(heard[-1], 9)] == expiries
    assert arrived == []


def _later(instant: str, seconds: int) -> str:
    whole, fraction = instant.split(".")
    return f"{int(whole) + seconds}.{fraction}"


@needs_tshark
def test_a_settled_session_begins_with_a_handshake_before_t_0(folder: Path) -> None:
    """Ten seconds and ten one-ways before: SYN, OPEN, KEEPALIVE, then the routes held at t = 0."""
    frames = _tshark(folder / "capture" / "r0-r1.pcap", "-Y", f"frame.time_epoch < {EPOCH - 9}",
                     "-T", "fields", "-e", "tcp.flags.syn", "-e", "bgp.type")  # fmt: skip

    assert [line.split("\t")[0] for line in frames[:3]] == ["1", "1", "0"]
    assert Counter(kind for line in frames for kind in line.split("\t")[1].split(",") if kind) == {
        "1": 2, "4": 2, "2": 3 + 3 + 2 * 2,  # three prefixes each way, End-of-RIB of two families
    }  # fmt: skip


def _records(folder: Path, name: str) -> Iterator[object]:
    return read_records((folder / "mrt" / name).read_bytes(), name)


def test_the_log_has_what_the_peers_sent(folder: Path) -> None:
    """Every UPDATE that a peer of r1 sent and that arrived; the OPENs; each session's way to Established."""
    records = list(_records(folder, "r1.updates.mrt"))
    heard = [(each, decode(each.data)) for each in records if isinstance(each, LoggedMessage)]
    updates = Counter(
        each.ends.peer_asn
        for each, message in heard
        if isinstance(message, UpdateMessage) and each.at >= EPOCH * SECOND
    )
    ups = Counter(
        each.ends.peer_asn
        for each in records
        if isinstance(each, StateChange) and each.new is State.ESTABLISHED
    )

    # Nothing was on its way to r1 when a session fell, so all arrived.
    expected = {
        asn: sum(_sent(folder, router, 1)) for router, asn in ((0, 65000), (2, 65002), (3, 4200000003))
    }
    assert expected == updates
    assert ups == {65000: 2, 65002: 2, 4200000003: 1}
    assert {65000, 65002, 4200000003} == {
        each.ends.peer_asn for each, message in heard if isinstance(message, Open)
    }
    instants = [each.at for each in records if isinstance(each, (LoggedMessage, StateChange))]
    assert instants == sorted(instants)


def test_tables_follow_from_the_log(folder: Path) -> None:
    """The table of t = 0, changed as the log says (a fallen session takes its routes), is the end's."""
    held: dict[tuple[int, str], tuple[int, ...]] = _table(folder, "r1.rib-start.mrt")
    for each in _records(folder, "r1.updates.mrt"):
        if isinstance(each, StateChange) and each.old is State.ESTABLISHED:
            held = {key: path for key, path in held.items() if key[0] != each.ends.peer_asn}
        if not isinstance(each, LoggedMessage) or each.at < EPOCH * SECOND:
            continue
        message = decode(each.data)
        if isinstance(message, UpdateMessage):
            for prefix in message.all_withdrawn:
                held.pop((each.ends.peer_asn, prefix_text(prefix)), None)
            for prefix in message.announced:
                assert message.attributes is not None
                path = tuple(asn for segment in message.attributes.as_path or () for asn in segment.asns)
                held[each.ends.peer_asn, prefix_text(prefix)] = path

    assert held == _table(folder, "r1.rib-end.mrt")
    assert len(held) == 9


def _table(folder: Path, name: str) -> dict[tuple[int, str], tuple[int, ...]]:
    """(peer AS, prefix) -> AS path."""
    from emulator.wire.attributes import decode_attributes
    from emulator.wire.session import Session

    peers: tuple[int, ...] = ()
    held = {}
    for each in _records(folder, name):
        if isinstance(each, PeerTable):
            peers = tuple(peer.asn for peer in each.peers)
        elif isinstance(each, TableEntry):
            for route in each.routes:
                attributes = decode_attributes(route.attributes, Session(is_ebgp=False))[0]
                path = tuple(asn for segment in attributes.as_path or () for asn in segment.asns)
                held[peers[route.peer], prefix_text(each.prefix)] = path
    return held


def test_bgpkit_reads_the_same_updates(folder: Path) -> None:
    """As many announcements and withdrawals as our own reader finds."""
    bgpkit = pytest.importorskip("pybgpkit_parser", reason="pybgpkit-parser is not installed")
    theirs = Counter(each.elem_type for each in bgpkit.Parser(url=str(folder / "mrt" / "r1.updates.mrt")))
    ours: Counter[str] = Counter()
    for each in _records(folder, "r1.updates.mrt"):
        if isinstance(each, LoggedMessage):
            message = decode(each.data)
            if isinstance(message, UpdateMessage):
                ours["A"] += len(message.announced)
                ours["W"] += len(message.all_withdrawn)

    assert ours == theirs


def test_the_same_run_writes_the_same_bytes_whatever_else_is_captured(folder: Path, tmp_path: Path) -> None:
    """Twice the same, and capturing changes nothing in the run."""
    again = _run(tmp_path)
    files = sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())

    assert len(PCAPS) + 6 == sum(path.suffix in {".pcap", ".mrt"} for path in files)
    for path in files:
        assert (folder / path).read_bytes() == (again / path).read_bytes()
    assert main(["run", "-q", "--no-plots", "--out", str(tmp_path / "bare"), str(tmp_path / "lab.yaml")]) == 0
    for path in ("trace.jsonl", "summary.json"):
        assert (tmp_path / "bare" / path).read_bytes() == (folder / path).read_bytes()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--pcap", "r0-r7"), "--pcap r0-r7: no such routers (did you mean 'r0-r"),
        (("--pcap", "r0-r-3"), "--pcap r0-r-3: no BGP session between r0 and r-3"),
        (("--pcap", "r0"), "--pcap r0: expected two routers, such as r0-r1, or a link's number"),
        (("--pcap", "9"), "--pcap 9: no such link; there are 6, numbered from 0"),
        (("--pcap", "5"), "--pcap 5: is inside an AS"),
        (("--mrt", "r9"), "--mrt r9: no such router"),
        (("--mrt", "r0", "--epoch", "yesterday"), "--epoch yesterday: expected a date and time"),
        (("--mrt", "r0", "--epoch", "1969-07-20"), "--epoch 1969-07-20: expected a time between"),
    ],
)
def test_names_that_are_not_there_are_told_before_anything_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], message: str
) -> None:
    """Exit code 2, what is wrong with a suggestion, and no results."""
    (tmp_path / "lab.yaml").write_text(LAB)

    assert main(["run", "-q", "--out", str(tmp_path / "out"), *arguments, str(tmp_path / "lab.yaml")]) == 2

    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


PARALLEL = """\
version: 1
name: parallel
network:
  routers: {a: {asn: 1}, a-b: {asn: 2}, b-c: {asn: 3}, c: {asn: 4}}
  links:
    - {ends: [a, a-b], delay: 1ms}
    - {ends: [a, a-b], delay: 1ms}
    - {ends: [a, b-c], delay: 1ms}
    - {ends: [a-b, c], delay: 1ms}
"""


def test_links_with_one_name_are_told_apart_by_number() -> None:
    """Parallel links, and names with dashes that can be split in two ways."""
    plan = build(loads(PARALLEL))

    for text, known in (("a-a-b", "0 (a-a-b), 1 (a-a-b)"), ("a-b-c", "2 (a-b-c), 3 (a-b-c)")):
        with pytest.raises(InputError) as caught:
            captures(plan, [text], [], "2024-01-01")
        assert known in str(caught.value)
    wanted = captures(plan, ["1", "3"], [], "2024-01-01")
    assert [(each.vantage, each.file) for each in wanted.pcaps] == [(0, "a-a-b.1.pcap"), (0, "a-b-c.3.pcap")]


def test_the_epoch_is_exact_and_utc_where_no_zone_is_given() -> None:
    """Microseconds are kept; +01:00 is an hour earlier."""
    assert parse_epoch("2024-01-01T00:00:00Z") == EPOCH * SECOND
    assert parse_epoch("2024-01-01T01:00:00.000001+01:00") == EPOCH * SECOND + 1000
    assert parse_epoch("2024-01-01") == EPOCH * SECOND
