#!/usr/bin/env python3
"""tally.py FOLDER [EXPECTED SCENARIO]: the statuses in all checks.json below it, in one line; and what failed.

EXPECTED has a line `revision/scenario/check-id  # reason` for every check that is meant to fail. Ends with 0 if what has
failed of SCENARIO (`revision/scenario`) is exactly that: a line that excuses nothing is an error, too.
"""

import collections
import json
import sys
from pathlib import Path


def excuses(path, scenario):
    """{check id: reason} of an expected-failures file, for one scenario."""
    reasons = {}
    for line in Path(path).read_text(encoding="utf-8").splitlines() if Path(path).exists() else []:
        pattern, _, reason = line.partition("#")
        where, _, check = pattern.strip().rpartition("/")
        if where == scenario:
            reasons[check] = reason.strip() or sys.exit(f"{path}: {pattern.strip()} has no reason")
    return reasons


found, failures = collections.Counter(), []
for path in Path(sys.argv[1]).rglob("checks.json"):
    for check in json.loads(path.read_text(encoding="utf-8")):
        found[check["status"]] += 1
        if check["status"] in ("FAILURE", "WARNING"):
            failures.append((check["id"], check["status"], check.get("errorMessage") or check.get("details")))
reasons = excuses(*sys.argv[2:4]) if len(sys.argv) > 2 else {}
print(", ".join(f"{count} {status}" for status, count in sorted(found.items()) if status != "INFO") or "no checks")
for name, status, said in failures:
    print("      ", f"{status} {name}: {said}"[:300])
    if name in reasons:
        print("        because", reasons[name])
sys.exit(0 if found and {name for name, _, _ in failures} == set(reasons) else 1)
