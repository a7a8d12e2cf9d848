"""A run's folder: what is written is read back, never half, never over somebody else's files."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from emulator.errors import InputError, InvariantError
from emulator.record import trace
from emulator.record.folder import frame, read_run, staged, write_run
from emulator.record.jsontext import canonical, compact, pretty
from emulator.record.run import RunRecord, new_manifest

if TYPE_CHECKING:
    from collections.abc import Callable


def small_record(seed: int = 1) -> RunRecord:
    """Two updates, three rows of requests, one trace record."""
    updates = {
        "at_s": np.array([0.5, 0.25 + seed]),
        "sender": np.array([0, 1]),
        "receiver": np.array([1, 0]),
        "prefix": ["203.0.113.0/24", "198.51.100.0/24"],
        "withdrawal": np.array([False, True]),
    }
    requests = {
        "strategy": ["anycast", "anycast", "ipa"],
        "group": np.array([0, 1, 0]),
        "second": np.array([0, 0, 7]),
        "requests": np.array([10, 20, 30]),
        "good": np.array([9, 18, 30]),
        "slow": np.array([1, 0, 0]),
        "lost": np.array([0, 2, 0]),
        "resets": np.array([0, 0, 0]),
        "rtt_mean_ms": np.array([12.5, np.nan, 80.25]),
    }
    return RunRecord(
        manifest=new_manifest(version="0.1.0", scenario="small", seed=seed, inputs={"small.yaml": "00" * 32}),
        summary={"schema": 1, "scenario": "small", "seed": seed, "events": []},
        tables={"updates": updates, "requests": requests},
        atlas={"routers": ["r0", "r1"], "phases": {"fault_s": None, "end_s": 10.0}},
        trace=[trace.event(0.0, index=0, kind="cut", label="cut r0 - r1, São Paulo")],
    )


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 of every file under ``folder``."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    """Manifest, summary, tables, atlas and trace survive, with types, NaN and non-ASCII text."""
    record = small_record()
    found = read_run(write_run(record, tmp_path / "run"))
    assert found.manifest == record.manifest
    assert found.summary == record.summary
    assert found.atlas == record.atlas
    assert list(found.trace) == list(record.trace)
    assert list(found.trace) == list(record.trace), "iterable a second time"
    assert found.tables["requests"]["strategy"] == ["anycast", "anycast", "ipa"]
    assert found.tables["requests"]["lost"].dtype == np.uint32
    np.testing.assert_array_equal(found.tables["requests"]["rtt_mean_ms"], np.float32([12.5, np.nan, 80.25]))
    np.testing.assert_array_equal(found.tables["updates"]["at_s"], [0.5, 1.25])
    assert "load" not in found.tables


def test_same_record_same_bytes_in_another_process(tmp_path: Path) -> None:
    """Hash seed and number of worker threads leave no mark on any file."""
    code = (
        f"import sys; sys.path[:0] = [{str(Path(__file__).parent)!r}, {str(Path.cwd())!r}]\n"
        "from pathlib import Path; import test_run_folder as t\n"
        "t.write_run(t.small_record(), Path(sys.argv[1]))\n"
    )
    for name, hash_seed, threads in (("a", "1", "1"), ("b", "2", "4")):
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "POLARS_MAX_THREADS": threads}
        subprocess.run([sys.executable, "-c", code, str(tmp_path / name)], check=True, env=environment)
    assert digests(tmp_path / "a") == digests(tmp_path / "b")
    assert set(digests(tmp_path / "a")) == {
        "run.json", "summary.json", "atlas.json", "trace.jsonl", "requests.parquet", "tables/updates.parquet",
    }  # fmt: skip


def test_a_run_is_replaced_whole(tmp_path: Path) -> None:
    """A second run leaves nothing of the first, and nothing beside."""
    target = tmp_path / "run"
    write_run(small_record(1), target)
    (target / "plots").mkdir()
    (target / "plots" / "old.svg").write_text("old")
    write_run(small_record(2), target)
    assert read_run(target).manifest["seed"] == 2
    assert not (target / "plots").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


@pytest.mark.parametrize("failure", [KeyboardInterrupt, RuntimeError])
def test_an_interrupted_run_leaves_the_old_one(tmp_path: Path, failure: type[BaseException]) -> None:
    """Whatever stops the writing, the old folder is whole and the new one gone."""
    target = write_run(small_record(1), tmp_path / "run")
    before = digests(target)

    def interrupted() -> None:
        with staged(target) as folder:
            (folder / "run.json").write_text("half")
            raise failure

    with pytest.raises(failure):
        interrupted()
    assert digests(target) == before
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_an_interrupt_between_the_renames_puts_the_old_run_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old folder is already aside when the new one fails to take its place."""
    target = write_run(small_record(1), tmp_path / "run")
    before = digests(target)
    rename = Path.rename

    def failing(path: Path, to: Path) -> Path:
        if ".partial-" in path.name:
            raise KeyboardInterrupt
        return rename(path, to)

    monkeypatch.setattr(Path, "rename", failing)
    with pytest.raises(KeyboardInterrupt):
        write_run(small_record(2), target)
    assert digests(target) == before


def test_a_run_killed_between_the_renames_is_put_back_by_the_next(tmp_path: Path) -> None:
    """What a kill left aside is the old run: the next attempt restores it before it starts."""
    target = write_run(small_record(1), tmp_path / "run")
    target.rename(tmp_path / ".run.previous")
    with pytest.raises(RuntimeError), staged(target):
        raise RuntimeError
    assert read_run(target).manifest["seed"] == 1


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"notes.txt": "mine"}, "holds no run"),
        ({"run.json": "{}"}, "holds no run"),
        ({"run.json": "not json"}, "holds no run"),
    ],
)
def test_foreign_folders_are_refused(tmp_path: Path, files: dict[str, str], message: str) -> None:
    """A folder with something else in it is left alone."""
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=message):
        write_run(small_record(), tmp_path)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == files


def test_a_run_with_somebody_elses_file_in_it_is_refused(tmp_path: Path) -> None:
    """Notes that a person put beside the results are not thrown away with them."""
    target = write_run(small_record(), tmp_path / "run")
    (target / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match=r"also holds notes\.txt"):
        write_run(small_record(), target)
    assert (target / "notes.txt").read_text() == "mine"


def test_a_file_in_the_way_is_refused(tmp_path: Path) -> None:
    """``--out`` that names a file."""
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="is a file"):
        write_run(small_record(), tmp_path / "file")


def _damage_json(run: Path) -> None:
    (run / "summary.json").write_text("{")


def _damage_table(run: Path) -> None:
    (run / "requests.parquet").write_bytes(b"PAR1 and nothing else")


def _other_columns(run: Path) -> None:
    (run / "tables" / "updates.parquet").replace(run / "requests.parquet")


def _newer(run: Path) -> None:
    manifest = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps({**manifest, "schema": 99, "version": "9.0"}))


def _no_manifest(run: Path) -> None:
    (run / "run.json").unlink()


def _no_trace(run: Path) -> None:
    (run / "trace.jsonl").unlink()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (_damage_json, r"summary\.json: cannot be read"),
        (_damage_table, r"requests\.parquet: cannot be read as Parquet"),
        (_other_columns, r"requests\.parquet: expected columns"),
        (_newer, r"written by version 9\.0 in layout 99"),
        (_no_manifest, "holds no run"),
        (_no_trace, r"trace\.jsonl: missing"),
    ],
)
def test_damage_is_named(tmp_path: Path, damage: Callable[[Path], None], message: str) -> None:
    """Each way a folder can be wrong is an input error that names the file."""
    run = write_run(small_record(), tmp_path / "run")
    damage(run)
    with pytest.raises(InputError, match=message):
        read_run(run)


def test_a_damaged_trace_is_named_by_line(tmp_path: Path) -> None:
    """The trace is read late, so its damage is found late, with the line."""
    run = write_run(small_record(), tmp_path / "run")
    with (run / "trace.jsonl").open("a") as file:
        file.write('{"type": "cut short\n')
    with pytest.raises(InputError, match=r"trace\.jsonl:2: not a trace record"):
        list(read_run(run).trace)


@pytest.mark.parametrize(
    "change",
    [
        {"at_s": np.array([1.0])},
        {"sender": ["r0", "r1"]},
        {"sender": np.array([2**40, 0])},
        {"extra": [1, 2]},
    ],
)
def test_a_table_that_breaks_its_schema_is_a_bug(change: dict[str, Any]) -> None:
    """Unequal lengths, wrong types, values out of range and unknown columns never reach a file."""
    with pytest.raises(InvariantError, match="table 'updates'"):
        frame("updates", {**small_record().tables["updates"], **change})


def test_json_has_one_way_to_write_a_value() -> None:
    """NumPy scalars, tuples and NaN become plain JSON; key order does not matter; the rest is refused."""
    value = {"b": np.float64(60.02), "a": (np.int64(3), np.bool_(True)), "c": float("nan"), "d": 0.1 + 0.2}
    assert canonical(value) == {"b": 60.02, "a": [3, True], "c": None, "d": 0.3}
    assert pretty(value) == pretty(dict(reversed(value.items())))
    assert compact({"b": 1, "a": np.float64("inf")}) == '{"a":null,"b":1}'
    with pytest.raises(TypeError, match="set has no place in JSON"):
        pretty({"a": {1}})
