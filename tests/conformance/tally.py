#!/usr/bin/env python3
"""tally.py FOLDER: the statuses in all checks.json below it, in one line; and what failed."""

import collections
import json
import sys
from pathlib import Path

found, failures = collections.Counter(), []
for path in Path(sys.argv[1]).rglob("checks.json"):
    for check in json.loads(path.read_text(encoding="utf-8")):
        found[check["status"]] += 1
        if check["status"] in ("FAILURE", "WARNING"):
            failures.append(f"{check['status']} {check['id']}: {check.get('errorMessage') or check.get('details')}")
print(", ".join(f"{count} {status}" for status, count in sorted(found.items()) if status != "INFO") or "no checks")
for failure in failures:
    print("      ", failure[:300])
