"""Compiling the array loops with numba, where it is installed; the same functions run without it.

A function marked `compiled` is written in the part of Python that both
understand: integers, one-dimensional arrays, loops. Where numba is absent, or
``IPA_EMULATOR_COMPILED=0`` says so, it stays what it is and is given views of the
same arrays whose items are Python integers. The results are the same to the bit.
"""

from __future__ import annotations

import importlib.util
import os
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    import numpy.typing as npt

Loop = TypeVar("Loop", bound="Callable[..., Any]")

_chosen: list[bool] = []
"""Empty until the first loop is defined: a process has its loops in one form."""


def prefer_plain() -> None:
    """Leave the loops as they are, unless some are compiled already: for work that is done before that."""
    if not _chosen:
        _chosen.append(False)


def is_compiled() -> bool:
    """Whether loops are compiled in this process; asking settles it."""
    if not _chosen:
        is_wanted = os.environ.get("IPA_EMULATOR_COMPILED", "1") != "0"
        _chosen.append(is_wanted and importlib.util.find_spec("numba") is not None)
    return _chosen[0]


def compiled(loop: Loop) -> Loop:
    """Compile ``loop`` when it is first called; the machine code is kept on disk for the next process.

    Without reference counts (`_nrt`): loops make no arrays, and are handed a good dozen at every call.
    """
    if not is_compiled():
        return loop
    import numba

    options: dict[str, Any] = {"cache": True, "error_model": "numpy", "_nrt": False}
    jitted: Loop = numba.njit(**options)(loop)
    return jitted


def view(array: npt.NDArray[np.generic]) -> Any:  # noqa: ANN401 - an array or a memoryview of it
    """What a loop is given for ``array``: the array, or without numba a view with Python's own integers.

    An item of an array is a NumPy scalar, and calculating with those is several
    times slower than with integers; writing through the view writes the array.
    """
    return array if is_compiled() else memoryview(array)  # type: ignore[arg-type]
