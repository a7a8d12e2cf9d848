"""Problems of meaning, gathered with their places in the file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.errors import Problem, ScenarioError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from emulator.scenario.findings import Finding
    from emulator.scenario.loader import DocumentPath, Loaded


class Problems:
    """What is wrong with a document, as it is found."""

    def __init__(self, loaded: Loaded, findings: Iterable[Finding] = ()) -> None:
        """Locate problems in ``loaded``; ``findings`` are known, and nothing is added at their places."""
        self._loaded = loaded
        self._found: list[Problem] = []
        self._paths: list[DocumentPath] = []
        self._taken: frozenset[tuple[int, int]] = frozenset()
        self.folder = loaded.folder
        """Where the scenario's relative paths start."""
        for path, message in findings:
            self.add(path, message)
        self._taken = frozenset((problem.line, problem.column) for problem in self._found)

    def add(self, path: DocumentPath, message: str) -> None:
        """Note a problem at a document path such as ``("timeline", 2, "cut", "cable")``."""
        problem = self._loaded.problem(path, message)
        if (problem.line, problem.column) not in self._taken:
            self._found.append(problem)
            self._paths.append(path)

    def concern(self, *path: str | int) -> bool:
        """Whether one of them is at ``path`` or below."""
        return any(each[: len(path)] == path for each in self._paths)

    def extend(self, problems: Iterable[Problem], path: DocumentPath) -> None:
        """Note problems that another file has, which ``path`` names."""
        self._found += problems
        self._paths.append(path)

    def raise_if_any(self) -> None:
        """Raise `ScenarioError` with all of them, in file order."""
        if self._found:
            raise ScenarioError(tuple(sorted(dict.fromkeys(self._found))))
