"""Compiling the array loops with numba, where it is installed; the same functions run without it.

A function marked `compiled` is written in the part of Python that both
understand: integers, one-dimensional arrays, loops. Where numba is absent, or
``IPA_EMULATOR_COMPILED=0`` says so, it stays what it is and is given views of the
same arrays whose items are Python integers. The results are the same to the bit.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    import numpy.typing as npt

Loop = TypeVar("Loop", bound="Callable[..., Any]")

_OPTIONS: Final[dict[str, Any]] = {"cache": True, "error_model": "numpy", "_nrt": False}
_chosen: list[bool] = []
"""Empty until the first loop is defined: a process has its loops in one form."""


def prefer_plain() -> None:
    """Leave the loops as they are, unless some are compiled already: for work that is done before that."""
    if not _chosen:
        _chosen.append(False)


def are_kept() -> bool:
    """Whether machine code of these loops is on disk already."""
    folder = Path(_cache_folder())
    return folder.is_dir() and any(folder.iterdir())


def is_compiled() -> bool:
    """Whether loops are compiled in this process; asking settles it."""
    if not _chosen:
        is_wanted = os.environ.get("IPA_EMULATOR_COMPILED", "1") != "0"
        _chosen.append(is_wanted and importlib.util.find_spec("numba") is not None)
    return _chosen[0]


def compiled(loop: Loop) -> Loop:
    """Compile ``loop`` for whatever it is called with, when it is; the machine code is kept on disk.

    Without reference counts (`_nrt`): loops make no arrays, and are handed a good dozen at every call.
    """
    return _jitted(loop, **_OPTIONS) if is_compiled() else loop


def compiled_for(**examples: object) -> Callable[[Loop], Loop]:
    """Compile a loop at once and once only: for arguments like ``examples`` by their names, others integers.

    A loop that is compiled for what it is called with is compiled anew for
    every width of integer, and all that it calls with it.
    """

    def compile_it(loop: Loop) -> Loop:
        if not is_compiled():
            return loop
        import numba

        code: Any = loop.__code__
        names = code.co_varnames[: code.co_argcount]
        type_of: Any = numba.typeof
        types = tuple(type_of(examples[name]) if name in examples else numba.int64 for name in names)
        return _jitted(loop, types, **_OPTIONS)

    return compile_it


def inlined(loop: Loop) -> Loop:
    """Compile ``loop`` into whatever calls it, if that is small or in one place: sooner than apart."""
    if not is_compiled():
        return loop
    return _jitted(loop, **{**_OPTIONS, "inline": "always", "cache": False})


def _jitted(loop: Loop, *types: object, **options: Any) -> Loop:  # noqa: ANN401 - numba's own
    """Hand ``loop`` to numba, whose machine code is kept where only these very sources look for it.

    numba notices when the file of a function changes, not when one that it calls does.
    """
    import numba

    config: Any = numba.config
    before, config.CACHE_DIR = config.CACHE_DIR, _cache_folder()
    try:
        compile_it: Any = numba.njit
        jitted: Loop = compile_it(*types, **options)(loop)
        return jitted
    finally:
        config.CACHE_DIR = before


@functools.cache
def _cache_folder() -> str:
    """A folder of the user's cache named after the sources of this package that have loops."""
    package = Path(__file__).parent
    digest = hashlib.sha256()
    for source in (Path(__file__), *sorted((package / "fleet").glob("*.py"))):
        digest.update(source.read_bytes())
    home = os.environ.get("XDG_CACHE_HOME", "")
    base = Path(home) if Path(home).is_absolute() else Path.home() / ".cache"
    return str(base / "ipa-emulator" / f"loops-{digest.hexdigest()[:16]}")


def view(array: npt.NDArray[np.generic]) -> Any:  # noqa: ANN401 - an array or a memoryview of it
    """What a loop is given for ``array``: the array, or without numba a view with Python's own integers.

    An item of an array is a NumPy scalar, and calculating with those is several
    times slower than with integers; writing through the view writes the array.
    """
    return array if is_compiled() else memoryview(array)  # type: ignore[arg-type]
