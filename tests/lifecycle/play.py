"""See `run`."""

import argparse
import json
import os
import signal
import sys
import threading
import time

from world import Gateway, until

SERVERS = 50
# So many come and go side by side.
AT_ONCE = 8
# The first ones fill what is kept anyway: pools, caches, the allocator's own.
WARM_UP = 80
MEMORY_MAY_GROW_KB = 4096


def fifty(way, told):
    gateway = Gateway(way, SERVERS)
    try:
        gateway.hello()
        before = gateway.own()
        began = time.monotonic()
        gateway.tools()
        until("all of them", lambda: len(gateway.ready()) == SERVERS, 120)
        took = time.monotonic() - began
        for name in gateway.names:
            gateway.call(name, name)
        own = gateway.own()
        told["fifty"] = {
            "started_in_s": round(took, 2),
            "processes": len(gateway.pids()),
            "memory_of_all_mb": gateway.shared_memory_kb() // 1024,
            "gateway_memory_mb": own["memory_kb"] // 1024,
            "gateway_memory_before_mb": before["memory_kb"] // 1024,
            "gateway_descriptors": own["descriptors"],
            "gateway_threads": own["threads"],
        }
        ended, gone = gateway.end(signal.SIGTERM)
        told["fifty"]["ended_in_s"] = round(ended, 2)
        told["fifty"]["nothing_left_after_s"] = round(gone, 2)
    finally:
        gateway.close()


def killed(way, told):
    gateway = Gateway(way, SERVERS)
    try:
        gateway.hello()
        gateway.tools()
        until("all of them", lambda: len(gateway.ready()) == SERVERS, 120)
        _, gone = gateway.end(signal.SIGKILL)
        told["killed"] = {"nothing_left_after_s": round(gone, 2)}
    finally:
        gateway.close()


def cycles(way, count, told):
    gateway = Gateway(way, AT_ONCE)
    try:
        gateway.hello()
        gateway.tools()
        turn(gateway, WARM_UP)
        before, began = gateway.own(), time.monotonic()
        turn(gateway, count)
        took = time.monotonic() - began
        # The last ones are being reaped.
        until("all of them stopped", lambda: len(gateway.pids()) == 1)
        after = gateway.own()
        left = gateway.left()
        left["processes"].remove(gateway.info["pid"])
        told["cycles"] = {"count": count, "each_ms": round(took * 1000 / count, 1), "before": before, "after": after}
        assert not any(left.values()), f"left over: {left}"
        assert after["descriptors"] <= before["descriptors"] + 1, told["cycles"]
        assert after["threads"] <= before["threads"] + 1, told["cycles"]
        assert after["memory_kb"] <= before["memory_kb"] + MEMORY_MAY_GROW_KB, told["cycles"]
        gateway.end(signal.SIGTERM)
    finally:
        gateway.close()


def turn(gateway, count):
    """So many starts, each by a call, and stops. Each server has a thread of its own."""
    left = [count]
    lock, failed = threading.Lock(), []

    def one(name):
        while not failed:
            with lock:
                if left[0] == 0:
                    return
                left[0] -= 1
                number = left[0]
            try:
                gateway.call(name, str(number))
                gateway.ask("POST", f"/servers/{name}/restart")
            except BaseException as error:
                failed.append(error)

    threads = [threading.Thread(target=one, args=(name,)) for name in gateway.names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--out", required=True)
    arguments.add_argument("--cycles", type=int, default=1000)
    arguments.add_argument("--only", choices=["process", "sandbox", "ordinary"])
    given = arguments.parse_args()
    ways = [given.only] if given.only else ["process", "sandbox", "ordinary"]
    if os.getuid() != 0 and "ordinary" in ways:
        print("ordinary: left out, the boxes of this user are ordinary ones anyway")
        ways.remove("ordinary")
    results, failed = {}, False
    for way in ways:
        told = results[way] = {}
        for name, part in [
            ("50 at once, then SIGTERM", lambda: fifty(way, told)),
            ("50 at once, then SIGKILL", lambda: killed(way, told)),
            (f"{given.cycles} starts and stops", lambda: cycles(way, given.cycles, told)),
        ]:
            try:
                part()
                print(f"ok      {way}: {name}", flush=True)
            except AssertionError as error:
                failed = True
                print(f"failed  {way}: {name}: {error}", flush=True)
        for part, figures in told.items():
            print(f"        {part}: {json.dumps(figures)}", flush=True)
    with open(os.path.join(given.out, "results.json"), "w") as out:
        json.dump(results, out, indent=2)
    sys.exit(failed)


main()
