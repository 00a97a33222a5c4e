#!/usr/bin/env python3
"""compare.py DIRECT THROUGH [EXPECTED]: two runs of the official server suites, check by check.

A check is known by suite, scenario and id; what is compared is how often it had which status, in any order, in the
suites that THROUGH has a folder for. EXPECTED has a line `suite/scenario/check-id  # reason` for every difference that
is meant to be (`*` stands for anything); a line that excuses nothing is an error too, so the file tells the truth.
Prints every difference, and what the runner said of it; fails on any that is not expected.
"""

import collections
import fnmatch
import json
import re
import sys
from pathlib import Path

# Log lines of the suite rather than verdicts: how many there are depends on timing.
NOISE = {"INFO"}
# The width of what the runner said.
SAID = 400


def checks(root, suites):
    """{(suite, scenario, id): Counter of statuses}, and what was said of each that is not a success."""
    found, said = collections.defaultdict(collections.Counter), collections.defaultdict(list)
    for suite in suites:
        for path in sorted((root / suite).rglob("checks.json")):
            scenario = re.sub(r"-\d{4}-\d\d-\d\dT[\d-]+Z?$", "", path.parent.name).removeprefix("server-")
            for check in json.loads(path.read_text(encoding="utf-8")):
                key = (suite, scenario, check["id"])
                if check["status"] not in NOISE:
                    found[key][check["status"]] += 1
                if check["status"] not in NOISE | {"SUCCESS"}:
                    about = check.get("errorMessage") or json.dumps(check.get("details"))
                    said[key].append(f"{check['status']}: {about[:SAID]}")
    return found, said


def excuses(path):
    """{pattern: reason} of an expected-differences file."""
    reasons = {}
    for line in Path(path).read_text(encoding="utf-8").splitlines() if path else []:
        pattern, _, reason = line.partition("#")
        if pattern.strip():
            if not reason.strip():
                sys.exit(f"{path}: {pattern.strip()} has no reason")
            reasons[pattern.strip()] = reason.strip()
    return reasons


def shown(statuses):
    """Statuses in one word each."""
    return ", ".join(f"{count} {status}" for status, count in sorted(statuses.items())) or "nothing"


def main():
    direct_root, through_root = Path(sys.argv[1]), Path(sys.argv[2])
    suites = sorted(folder.name for folder in through_root.iterdir() if folder.is_dir())
    direct, _ = checks(direct_root, suites)
    through, said = checks(through_root, suites)
    reasons = excuses(sys.argv[3] if len(sys.argv) > 3 else None)
    if {suite for suite, _, _ in direct} != set(suites):
        sys.exit(f"{direct_root} does not have the checks of {', '.join(suites)}: did the direct run start?")
    used, regressions, differences, excused = set(), 0, 0, 0
    for key in sorted(set(direct) | set(through)):
        before, after = direct[key], through[key]
        if before == after:
            continue
        name = "/".join(key)
        excuse = next((pattern for pattern in reasons if fnmatch.fnmatchcase(name, pattern)), None)
        lost = after["SUCCESS"] < before["SUCCESS"] or after["FAILURE"] > before["FAILURE"]
        if excuse:
            used.add(excuse)
            excused += 1
            verdict = "expected"
        else:
            differences += 1
            regressions += lost
            verdict = "REGRESSION" if lost else "differs"
        print(f"{verdict:10} {name}: direct {shown(before)}; through {shown(after)}")
        if excuse:
            print(f"           because {reasons[excuse]}")
        else:
            print("".join(f"           {line}\n" for line in said[key]), end="")
    stale = sorted(set(reasons) - used)
    for pattern in stale:
        print(f"STALE      {pattern}: nothing differs there any more; take the line out")
    total = sum(sum(statuses.values()) for statuses in direct.values())
    verdict = f"{differences} unexpected differences, {regressions} of them regressions; {excused} expected ones"
    print(f"{through_root.name}: {total} checks, {len(direct)} ids: {verdict}")
    sys.exit(bool(differences or stale))


if __name__ == "__main__":
    main()
