"""Gate verdicts as JUnit XML, in the dialect that CI systems read.

One ``testsuite`` a scenario, in it one ``testcase`` for the baseline and one for
each expectation; the schema followed is the Jenkins xUnit plugin's.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING, Final

from emulator.analysis.gate import describe, describe_outcome
from emulator.record.folder import write_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from emulator.analysis.gate import Verdict

_FORBIDDEN: Final = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 (section 2.2) cannot hold, escaped or not."""


def junit_xml(verdicts: Sequence[Verdict]) -> str:
    """Render ``verdicts`` as a JUnit document."""
    root = ET.Element("testsuites", name="ipa-emulator check")
    for verdict in verdicts:
        root.append(_suite(verdict))
    for count in ("tests", "failures", "errors"):
        root.set(count, str(sum(int(suite.get(count, "0")) for suite in root)))
    root.set("time", f"{sum(verdict.seconds for verdict in verdicts):.3f}")
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def write_junit(path: Path, verdicts: Sequence[Verdict]) -> None:
    """Write ``verdicts`` to ``path`` in one step. Raises `InputError` where that fails."""
    write_text(path, junit_xml(verdicts))


def _suite(verdict: Verdict) -> ET.Element:
    suite = ET.Element("testsuite", name=_clean(verdict.scenario), time=f"{verdict.seconds:.3f}")
    name = f"baseline: {verdict.compared} metrics" if not verdict.updated else "baseline updated"
    failures = verdict.failures
    message = f"{len(failures)} of {verdict.compared} metrics moved" if failures else None
    _case(suite, verdict.scenario, name, message, "\n".join(describe(difference) for difference in failures))
    for outcome in verdict.outcomes:
        failure = None if outcome.passed else describe_outcome(outcome)
        _case(suite, verdict.scenario, f"expect: {outcome.expectation.text}", failure, failure or "")
    suite.set("tests", str(len(suite)))
    suite.set("failures", str(len(suite.findall("testcase/failure"))))
    suite.set("errors", "0")
    return suite


def _case(suite: ET.Element, scenario: str, name: str, failure: str | None, detail: str) -> None:
    case = ET.SubElement(suite, "testcase", classname=_clean(scenario), name=_clean(name), time="0")
    if failure is not None:
        ET.SubElement(case, "failure", message=_clean(failure), type="gate").text = _clean(detail)


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", text)
