"""Problems of meaning, gathered with their places in the file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.errors import Problem, ScenarioError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from emulator.scenario.loader import DocumentPath, Loaded


class Problems:
    """What is wrong with a document, as it is found."""

    def __init__(self, loaded: Loaded) -> None:
        """Locate problems in ``loaded``."""
        self._loaded = loaded
        self._found: list[Problem] = []
        self.folder = loaded.folder
        """Where the scenario's relative paths start."""

    def add(self, path: DocumentPath, message: str) -> None:
        """Note a problem at a document path such as ``("timeline", 2, "cut", "cable")``."""
        self._found.append(self._loaded.problem(path, message))

    def extend(self, problems: Iterable[Problem]) -> None:
        """Note problems that another file has."""
        self._found += problems

    def raise_if_any(self) -> None:
        """Raise `ScenarioError` with all of them, in file order."""
        if self._found:
            raise ScenarioError(tuple(sorted(dict.fromkeys(self._found))))
