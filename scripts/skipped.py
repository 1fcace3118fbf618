"""Fail when a test was skipped though this machine could have run it.

A test that is skipped in silence proves nothing, so every skip is printed, and only three reasons are accepted: no
GPU, one core, no reference data.
"""

from __future__ import annotations

import re
import sys
import xml.etree.ElementTree as ElementTree

ACCEPTED = re.compile(
    r"\bGPU\b|\bCUDA (device|driver)\b|reference data not found|one thread only", re.IGNORECASE
)


def main(report: str) -> int:
    """Read a JUnit report; return the exit code."""
    wrong = 0
    for case in ElementTree.parse(report).iter("testcase"):
        skip = case.find("skipped")
        if skip is None or skip.get("type") == "pytest.xfail":
            continue
        reason = skip.get("message") or "no reason given"
        accepted = ACCEPTED.search(reason) is not None
        wrong += not accepted
        print(f"{'skipped' if accepted else 'SKIPPED WITHOUT NEED'}: {case.get('name')}: {reason}")
    if wrong:
        print(f"{wrong} tests were skipped for a reason that does not lie in this machine")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
