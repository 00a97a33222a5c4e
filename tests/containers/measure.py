#!/usr/bin/env python3
"""What containers cost through the gateway, beside the engine's own ways, in turn in one run.

    start     from nothing to the answer of a first call: by `docker run -i --rm`, and by the gateway
    call      a warm `tools/call`: over the engine's attach stream directly, over `docker run -i`, and through the gateway;
              beside, what the gateway adds to the same server as a plain process
    answers   how soon a gateway with 20 container entries answers `initialize`
"""

import json
import os
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from play import IMAGE, PORTOLAN, TINY, left, tiny

STARTS, CALLS, ROUNDS = 8, 1000, 3
HELLO = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "m", "version": "1"}}
SERVER = ["python3", "-c", TINY]
ENGINE = os.environ["DOCKER_HOST"].removeprefix("unix://")


class Client:
    """One that asks and waits, the same over every way."""

    def begin(self):
        self.next = 0
        self.ask("initialize", HELLO)
        self.write({"method": "notifications/initialized"})
        return self

    def write(self, message):
        self.send(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")

    def ask(self, method, params):
        self.next += 1
        self.write({"id": self.next, "method": method, "params": params})
        while True:
            answer = json.loads(self.line())
            if answer.get("id") == self.next and "method" not in answer:
                return answer

    def call(self):
        answer = self.ask("tools/call", {"name": "id", "arguments": {}})
        assert not answer["result"].get("isError"), answer


class Program(Client):
    def __init__(self, line, **more):
        self.process = subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, **more)
        self.begin()

    def send(self, data):
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def line(self):
        return self.process.stdout.readline()

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Attached(Client):
    """The engine's own attach stream."""

    def __init__(self):
        body = {
            "Image": IMAGE, "Cmd": SERVER, "OpenStdin": True, "StdinOnce": True, "AttachStdin": True, "AttachStdout": True,
            "HostConfig": {"AutoRemove": True, "NetworkMode": "none", "Init": True},
        }
        made = json.loads(self.post("/containers/create", body))["Id"]
        self.stream = self.open(f"/containers/{made}/attach?stream=1&stdin=1&stdout=1", None)
        self.file = self.stream.makefile("rb")
        while self.file.readline() != b"\r\n":
            pass
        self.post(f"/containers/{made}/start", None)
        self.rest = b""
        self.begin()

    def open(self, path, body):
        stream = socket.socket(socket.AF_UNIX)
        stream.connect(ENGINE)
        data = json.dumps(body).encode() if body else b""
        stream.sendall(f"POST {path} HTTP/1.1\r\nHost: e\r\nContent-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n".encode() + data)
        return stream

    def post(self, path, body):
        reply = self.open(path, body).makefile("rb")
        length = 0
        while (line := reply.readline()) != b"\r\n":
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        return reply.read(length)

    def send(self, data):
        self.stream.sendall(data)

    def line(self):
        while b"\n" not in self.rest:
            self.rest += self.file.read(struct.unpack(">xxxxI", self.file.read(8))[0])
        line, self.rest = self.rest.split(b"\n", 1)
        return line

    def close(self):
        self.stream.shutdown(socket.SHUT_RDWR)


class Gateway(Program):
    def __init__(self, home, servers, runtime):
        config = Path(home) / "servers.json"
        config.write_text(json.dumps({"mcpServers": servers}))
        env = {k: v for k, v in os.environ.items() if not k.startswith(("XDG_", "PORTOLAN_"))}
        self.env = {**env, "HOME": str(home), "PORTOLAN_HOME": f"{home}/p"}
        began = time.perf_counter()
        line = [PORTOLAN, "gateway", "run", "--config", str(config), "--runtime", runtime]
        super().__init__(line, env=self.env, cwd=home)
        self.answered = (time.perf_counter() - began) * 1000


def docker_run():
    slim = ["--network", "none", "--cap-drop", "ALL", "--read-only", "--tmpfs", "/tmp", "--memory", "2g", "--pids-limit", "512"]
    return ["docker", "--host", os.environ["DOCKER_HOST"], "run", "-i", "--rm", "--init", *slim, IMAGE, *SERVER]


def told(what, values):
    values = sorted(values)
    print(f"{what:34} median {statistics.median(values):8.3f} ms, least {values[0]:8.3f}, 95th {values[int(len(values) * 0.95)]:8.3f}", flush=True)
    return statistics.median(values)


def timed(work):
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000


def main():
    folder = lambda: tempfile.TemporaryDirectory(dir="/tmp")  # noqa: E731
    with folder() as home, folder() as other:
        boxed = Gateway(home, {"tiny": tiny()}, "auto")
        plain = Gateway(other, {"tiny": {"command": SERVER[0], "args": SERVER[1:]}}, "process")
        boxed.ask("tools/list", {}), plain.ask("tools/list", {})
        boxed.call(), plain.call()
        theirs, ours = [], []
        for _ in range(STARTS):
            # It knows what the server offers, and starts it with the call.
            fresh = Gateway(home, {"tiny": tiny()}, "auto")
            ours.append(timed(fresh.call))
            fresh.close()
            began = time.perf_counter()
            program = Program(docker_run())
            program.call()
            theirs.append((time.perf_counter() - began) * 1000)
            program.close()
        told("start: docker run -i --rm", theirs)
        told("start: gateway", ours)
        ways = {
            "attach": Attached(),
            "docker run -i": Program(docker_run()),
            "gateway, container": boxed,
            "plain process": Program(SERVER),
            "gateway, plain process": plain,
        }
        times = {name: [] for name in ways}
        for _ in range(ROUNDS):
            for name, way in ways.items():
                for _ in range(100):
                    way.call()
                times[name] += [timed(way.call) for _ in range(CALLS)]
        median = {name: told(f"call: {name}", values) for name, values in times.items()}
        added = median["gateway, container"] - median["attach"]
        print(f"{'call: gateway over the attach':34} {added:+.3f} ms (plain process: {median['gateway, plain process'] - median['plain process']:+.3f})")
        for way in ways.values():
            way.close()
    answers = []
    for _ in range(10):
        with folder() as home:
            gateway = Gateway(home, {f"s{n}": tiny() for n in range(20)}, "auto")
            answers.append(gateway.answered)
            gateway.close()
    told("initialize, 20 container entries", answers)
    time.sleep(2)
    print(f"containers left: {len(left())}")


if __name__ == "__main__":
    sys.exit(main())
