"""A gateway of one's own, and what the machine has of it: processes, groups, mounts, files."""

import glob
import http.client
import itertools
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time

NOBODY = 65534


def until(what, is_so, seconds=30):
    end = time.monotonic() + seconds
    while True:
        value = is_so()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"never came: {what}")
        time.sleep(0.02)


class Gateway:
    """With so many of the gateway's own small servers, called s0, s1, …"""

    def __init__(self, way, servers):
        self.folder = tempfile.mkdtemp(prefix="portolan-lifecycle-")
        os.chmod(self.folder, 0o755)
        # A copy, by whose file every process of this gateway is known, whatever it shows of itself.
        self.binary = os.path.join(self.folder, "portolan")
        shutil.copy(os.environ["PORTOLAN"], self.binary)
        self.file = os.stat(self.binary)
        self.temporary = self.make("tmp")
        home = self.make("home")
        entry = {"command": self.binary, "args": ["__demo-server"]}
        config = os.path.join(self.folder, "servers.json")
        with open(config, "w") as out:
            json.dump({"mcpServers": {f"s{n}": entry for n in range(servers)}}, out)
        self.names = [f"s{n}" for n in range(servers)]
        env = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": home, "TMPDIR": self.temporary,
               "PORTOLAN_HOME": os.path.join(home, "portolan"), "PORTOLAN_LOG_CALLS": "false"}
        line = [self.binary, "gateway", "run", "--transport", "streaming", "--port", "0", "--allow-unauthenticated",
                "--config", config, "--servers", ",".join(self.names),
                "--runtime", "process" if way == "process" else "sandbox"]
        if way == "ordinary":
            for folder in (home, self.temporary):
                os.chown(folder, NOBODY, NOBODY)
            line = ["setpriv", "--reuid", str(NOBODY), "--regid", str(NOBODY), "--clear-groups", *line]
        self.log = open(os.path.join(self.folder, "log"), "w")
        self.mounts = mounts()
        self.groups = groups()
        self.process = subprocess.Popen(line, env=env, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=self.log,
                                        stderr=self.log)
        registry = os.path.join(home, "portolan", "run", "*.json")
        self.info = json.load(open(until("the gateway", lambda: glob.glob(registry))[0]))
        self.address = self.info["address"].split("/")[2]
        self.session = None
        self.ids = itertools.count(10)

    def make(self, name):
        path = os.path.join(self.folder, name)
        os.mkdir(path)
        return path

    # --- speaking to it ---

    def post(self, message):
        connection = http.client.HTTPConnection(self.address, timeout=60)
        headers = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
        if self.session:
            headers["Mcp-Session-Id"] = self.session
        connection.request("POST", "/mcp", json.dumps(message), headers)
        reply = connection.getresponse()
        text = reply.read().decode()
        self.session = reply.getheader("Mcp-Session-Id") or self.session
        connection.close()
        if reply.getheader("Content-Type", "").startswith("text/event-stream"):
            events = [json.loads(line[6:]) for line in text.splitlines() if line.startswith("data: {")]
            return next(event for event in events if event.get("id") == message.get("id"))
        return json.loads(text) if text else None

    def hello(self):
        params = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "lifecycle", "version": "1"}}
        self.post({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params})
        self.post({"jsonrpc": "2.0", "method": "notifications/initialized"})

    def tools(self):
        return self.post({"jsonrpc": "2.0", "id": 2, "method": "tools/list"})["result"]["tools"]

    def call(self, server, text):
        params = {"name": f"{server}__echo", "arguments": {"message": text}}
        answer = self.post({"jsonrpc": "2.0", "id": next(self.ids), "method": "tools/call", "params": params})
        assert answer.get("result", {}).get("content") == [{"type": "text", "text": f"Echo: {text}"}], answer

    def ask(self, method, path):
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(60)
            connection.connect(self.info["admin_socket"])
            connection.sendall(f"{method} {path} HTTP/1.0\r\nContent-Length: 0\r\n\r\n".encode())
            reply = b""
            while part := connection.recv(65536):
                reply += part
        head, _, body = reply.partition(b"\r\n\r\n")
        assert b" 200 " in head.splitlines()[0], reply
        return json.loads(body)

    def ready(self):
        return [server["name"] for server in self.ask("GET", "/servers") if server["state"] == "ready"]

    # --- what there is of it ---

    def pids(self):
        """Every process of its binary that is alive: the gateway, its guards, what is first in each box, the servers."""
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                file = os.stat(f"/proc/{pid}/exe")
            except OSError:
                continue
            if (file.st_dev, file.st_ino) == (self.file.st_dev, self.file.st_ino):
                found.append(int(pid))
        return found

    def own(self):
        """What the gateway itself holds."""
        pid = self.info["pid"]
        with open(f"/proc/{pid}/status") as status:
            fields = dict(line.split(":", 1) for line in status)
        return {
            "descriptors": len(os.listdir(f"/proc/{pid}/fd")),
            "threads": int(fields["Threads"]),
            "memory_kb": int(fields["VmRSS"].split()[0]),
        }

    def shared_memory_kb(self):
        """What all its processes take together, what they share counted once."""
        total = 0
        for pid in self.pids():
            try:
                with open(f"/proc/{pid}/smaps_rollup") as rollup:
                    total += sum(int(line.split()[1]) for line in rollup if line.startswith("Pss:"))
            except OSError:
                pass
        return total

    def left(self):
        """What is there that was not before it began; empty if nothing is."""
        return {
            "processes": self.pids(),
            "groups": sorted(groups() - self.groups),
            "mounts": sorted(mounts() - self.mounts),
            "files": sorted(os.listdir(self.temporary)),
        }

    # --- its end ---

    def end(self, how):
        began = time.monotonic()
        os.kill(self.info["pid"], how)
        self.process.wait(30)
        # setpriv has become the gateway, so this is its own end.
        ended = time.monotonic() - began
        self.gone()
        return ended, time.monotonic() - began

    def gone(self):
        try:
            until("that nothing is left", lambda: not any(self.left().values()))
        except AssertionError:
            raise AssertionError(f"left over: {self.left()}") from None

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for pid in self.pids():
            os.kill(pid, signal.SIGKILL)
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def groups():
    return set(glob.glob("/sys/fs/cgroup/**/portolan-*", recursive=True))


def mounts():
    with open("/proc/self/mountinfo") as table:
        return {" ".join(line.split()[3:5]) for line in table}
