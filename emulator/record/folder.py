"""A run's folder: written beside its place and renamed into it, read back with every fault named.

Layout: ``run.json`` (manifest), ``summary.json``, ``atlas.json``,
``trace.jsonl``, ``requests.parquet``, the other tables under ``tables/``,
``routes.zip`` (see `emulator.record.routes`), ``capture/`` and ``mrt/`` where
asked for, and what analysis adds (``plots/``, ``report.html``). Equal records give equal bytes.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from emulator.errors import InputError, InvariantError
from emulator.record.jsontext import compact, pretty
from emulator.record.routes import ROUTES
from emulator.record.run import FORMAT, SCHEMA, RunRecord
from emulator.record.tables import TABLES, Table
from emulator.record.trace import TraceFile

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import polars as pl

    from emulator.record.run import Json

MANIFEST: Final = "run.json"
_OURS: Final = {
    MANIFEST,
    "summary.json",
    "atlas.json",
    "trace.jsonl",
    "requests.parquet",
    "tables",
    "plots",
    "report.html",
    ROUTES,
    "capture",
    "mrt",
}
_NO_ROOM: Final = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG, errno.EACCES, errno.EPERM}
_ROW_GROUP: Final = 1 << 20


def write_run(record: RunRecord, out_dir: Path) -> Path:
    """Write ``record`` to ``out_dir``, replacing a run that is there. Returns the folder.

    Raises `InputError` where ``out_dir`` holds anything but a run, or cannot be
    written; the old contents then stay.
    """
    with staged(out_dir) as folder:
        save(record, folder)
    return out_dir


@contextmanager
def staged(out_dir: Path) -> Iterator[Path]:
    """Yield a fresh folder that becomes ``out_dir`` when the block ends well, and vanishes otherwise.

    A crash or an interrupt leaves the old folder or the new one, never a mixture.
    """
    target = out_dir.absolute()
    previous = target.with_name(f".{target.name}.previous")
    staging = target.with_name(f".{target.name}.partial-{os.getpid()}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _recover(target, previous)
        refuse_foreign(target)
        shutil.rmtree(staging, ignore_errors=True)
        staging.mkdir()
    except OSError as error:
        message = f"{out_dir}: cannot be written: {error.strerror or error}"
        raise InputError(message) from error
    try:
        yield staging
        _swap(staging, target, previous)
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        message = f"{out_dir}: cannot be written: {error.strerror or error}"
        raise InputError(message) from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _recover(target: Path, previous: Path) -> None:
    """Put back what a killed `_swap` had set aside."""
    if previous.exists():
        if target.exists():
            shutil.rmtree(previous)
        else:
            previous.rename(target)


def _swap(staging: Path, target: Path, previous: Path) -> None:
    """Give ``staging`` the name ``target``; on any failure the old folder keeps it."""
    try:
        if target.exists():
            target.rename(previous)
        staging.rename(target)
    except BaseException:
        if previous.exists() and not target.exists():
            previous.rename(target)
        raise
    shutil.rmtree(previous, ignore_errors=True)


def refuse_foreign(target: Path) -> None:
    """Raise `InputError` unless ``target`` may be replaced: absent, empty, or a run and nothing else."""
    if not target.exists():
        return
    if not target.is_dir():
        message = f"{target}: is a file; --out takes a folder"
        raise InputError(message)
    names = sorted(path.name for path in target.iterdir())
    if not names:
        return
    if not _is_run(target):
        message = f"{target}: is not empty and holds no run; choose another folder, or empty it yourself"
        raise InputError(message)
    foreign = [name for name in names if name not in _OURS]
    if foreign:
        message = (
            f"{target}: also holds {', '.join(foreign[:3])}, which a run did not write; move it away first"
        )
        raise InputError(message)


def _is_run(folder: Path) -> bool:
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(manifest, dict) and manifest.get("format") == FORMAT


def save(record: RunRecord, folder: Path) -> None:
    """Write the record's files into an existing ``folder``.

    Raises `InvariantError` where a table does not have its schema's columns.
    """
    for name, table in record.tables.items():
        path = _table_path(folder, name)
        path.parent.mkdir(exist_ok=True)
        frame(name, table).write_parquet(
            path, compression="zstd", compression_level=3, statistics=True, row_group_size=_ROW_GROUP
        )
    with (folder / "trace.jsonl").open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(compact(entry) + "\n" for entry in record.trace)
    if record.routes is not None:
        (folder / ROUTES).write_bytes(record.routes)
    for name, content in (
        ("atlas.json", record.atlas),
        ("summary.json", record.summary),
        (MANIFEST, record.manifest),
    ):
        write_text(folder / name, pretty(content))


def write_text(path: Path, text: str) -> None:
    """Replace the file ``path`` by ``text`` (UTF-8, line feeds) in one step."""
    beside = path.with_name(f".{path.name}.partial-{os.getpid()}")
    try:
        beside.write_text(text, encoding="utf-8", newline="\n")
        beside.replace(path)
    except OSError as error:
        message = f"{path}: cannot be written: {error.strerror or error}"
        raise InputError(message) from error
    finally:
        beside.unlink(missing_ok=True)


def frame(name: str, table: Table) -> pl.DataFrame:
    """Table ``name`` as a Polars frame with exactly its schema's columns and types.

    Raises `InvariantError` where columns are missing, unknown, of unequal length, or
    hold what their type cannot.
    """
    import polars as pl

    schema = TABLES.get(name)
    if schema is None or set(schema) != set(table):
        message = f"table {name!r}: expected columns {sorted(schema or ())}, got {sorted(table)}"
        raise InvariantError(message)
    lengths = {column: len(table[column]) for column in schema}
    if len(set(lengths.values())) > 1:
        message = f"table {name!r}: columns of unequal length: {lengths}"
        raise InvariantError(message)
    try:
        return pl.DataFrame([pl.Series(c, table[c]).cast(getattr(pl, kind)) for c, kind in schema.items()])
    except (TypeError, pl.exceptions.PolarsError) as error:
        message = f"table {name!r}: {str(error).splitlines()[0]}"
        raise InvariantError(message) from error


def _table_path(folder: Path, name: str) -> Path:
    return folder / "requests.parquet" if name == "requests" else folder / "tables" / f"{name}.parquet"


def read_run(folder: Path) -> RunRecord:
    """Read the record that `write_run` wrote to ``folder``; the trace is read when iterated.

    Raises `InputError` where ``folder`` holds no run, one of a newer layout, or
    one that is damaged; the message names the file.
    """
    manifest = read_manifest(folder)
    trace = folder / "trace.jsonl"
    if not trace.is_file():
        message = f"{trace}: missing; run the scenario again"
        raise InputError(message)
    paths = {name: _table_path(folder, name) for name in TABLES}
    return RunRecord(
        manifest=manifest,
        summary=_read_json(folder / "summary.json"),
        tables={name: _read_table(name, path) for name, path in paths.items() if path.exists()},
        atlas=_read_json(folder / "atlas.json"),
        trace=TraceFile(trace),
    )


def read_manifest(folder: Path) -> Json:
    """The manifest of the run in ``folder``.

    Raises `InputError` where ``folder`` holds no run, or one of a newer layout.
    """
    if not (folder / MANIFEST).is_file():
        what = "holds no run (no run.json)" if folder.is_dir() else "no such folder"
        message = f"{folder}: {what}; give the folder that 'ipa-emulator run' wrote"
        raise InputError(message)
    manifest = _read_json(folder / MANIFEST)
    if manifest.get("format") != FORMAT or not isinstance(manifest.get("schema"), int):
        message = f"{folder / MANIFEST}: not the manifest of a run"
        raise InputError(message)
    if manifest["schema"] > SCHEMA:
        message = (
            f"{folder}: written by version {manifest.get('version')} in layout {manifest['schema']}; "
            f"this version reads up to {SCHEMA}"
        )
        raise InputError(message)
    return manifest


def _read_json(path: Path) -> Json:
    try:
        content: Any = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        message = f"{path}: cannot be read ({error}); run the scenario again"
        raise InputError(message) from error
    if not isinstance(content, dict):
        message = f"{path}: expected an object, got {type(content).__name__}"
        raise InputError(message)
    return content


def _read_table(name: str, path: Path) -> Table:
    """Columns of a Parquet file: arrays, and lists for text."""
    import polars as pl

    try:
        content = pl.read_parquet(path)
    except (OSError, pl.exceptions.PolarsError) as error:
        message = f"{path}: cannot be read as Parquet ({str(error).splitlines()[0]}); run the scenario again"
        raise InputError(message) from error
    expected = {column: getattr(pl, kind) for column, kind in TABLES[name].items()}
    if dict(content.schema) != expected:
        message = (
            f"{path}: expected columns {TABLES[name]}, got { {k: str(v) for k, v in content.schema.items()} }"
        )
        raise InputError(message)
    return {
        column: content[column].to_list() if kind == "String" else content[column].to_numpy()
        for column, kind in TABLES[name].items()
    }
