"""What every cell needs, whatever is played in it: a home of its own, processes that end with it, and the proof that they did."""

import dataclasses
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

import packages

ROOT = Path(__file__).resolve().parents[1]
# Every cell's folder is in here, and so its name is in the environment of every process that a cell has started.
HOME = Path(tempfile.mkdtemp(prefix="portolan-cells-"))
MARK = "PORTOLAN_TEST_CELL="
PATIENCE = 20


class Failed(Exception):
    """A process did not get as far as it should."""


class Processes:
    """A folder, and the processes that are started in it. `home` is the folder."""

    def log(self, name, text):
        with open(self.home / name, "a", encoding="utf-8") as file:
            file.write(text)

    def start(self, name, line, env=None):
        log = open(self.home / f"{name}.log", "w", encoding="utf-8")
        process = subprocess.Popen(
            line, env={**self.env(), **(env or {})}, cwd=self.home, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
        process.label = name
        return process

    def listening(self, process, port, path):
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            if process.poll() is not None:
                raise Failed(f"the {process.label} ended with {process.returncode} before it listened: {self.tail(process)}")
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=PATIENCE).close()
                return
            except urllib.error.HTTPError:
                return
            except OSError:
                time.sleep(0.02)
        raise Failed(f"the {process.label} did not listen within {PATIENCE} s: {self.tail(process)}")

    def tail(self, process):
        return (self.home / f"{process.label}.log").read_text(encoding="utf-8", errors="replace")[-400:]

    def stop(self, process):
        """Ends a process that this cell started; says what was wrong with its end."""
        if process.poll() is not None:
            return f"the {process.label} ended by itself with {process.returncode}: {self.tail(process)}"
        process.send_signal(signal.SIGTERM)
        try:
            code = process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            return f"the {process.label} did not end on SIGTERM"
        if process.label == "gateway" and code:
            return f"the gateway ended with {code} on SIGTERM: {self.tail(process)}"
        return None

    def left_over(self):
        """Processes of this cell that outlive it, ended after being named."""
        until = time.monotonic() + 5
        while True:
            found = marked(self.home)
            if not found or time.monotonic() > until:
                break
            time.sleep(0.05)
        end(found)
        return list(found.values())

    def env(self):
        """What every process of this cell gets; the mark is how those left over are found."""
        keep = {key: os.environ[key] for key in ("LANG", "TMPDIR", "XDG_CACHE_HOME") if key in os.environ}
        own = {
            "PATH": f"{packages.node()}:{os.environ.get('PATH', '/usr/bin:/bin')}",
            "HOME": str(self.home),
            "PORTOLAN_HOME": str(self.home / "portolan"),
            "PORTOLAN_TEST_CACHE": str(packages.cache()),
            "PORTOLAN_TEST_CELL": str(self.home),
            "PYTHONUNBUFFERED": "1",
        }
        return {**keep, **own}


def end(processes):
    for pid in processes:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


def marked(home):
    """{pid: command line} of the processes whose environment says that they belong to a cell in this folder."""
    found, mark = {}, f"{MARK}{home}".encode()
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            environment = (entry / "environ").read_bytes().split(b"\0")
            if any(variable.startswith(mark) for variable in environment) and int(entry.name) != os.getpid():
                line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
                state = (entry / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[0]
                if state != "Z":
                    found[int(entry.name)] = line
        except OSError:
            continue
    return found


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def end_all_on_signals():
    """However a run ends, what it started ends too."""
    for sign in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(sign, lambda *_: (end(marked(HOME)), shutil.rmtree(HOME, ignore_errors=True), os._exit(130)))


@dataclasses.dataclass
class Tools:
    """Our own binaries."""

    gateway: Path | None
    fixture: Path
    rmcp_client: Path


def binaries(direct=False):
    """Our binaries, built if need be."""
    subprocess.run(["cargo", "build", "-q", "-p", "portolan-testkit"], cwd=ROOT, check=True)
    built = ROOT / "target" / "debug"
    gateway = None
    if not direct:
        places = [os.environ.get("PORTOLAN"), ROOT / "target/release/portolan", built / "portolan"]
        gateway = next((Path(place) for place in places if place and os.access(place, os.X_OK)), None)
        if not gateway:
            sys.exit("there is no gateway: cargo build, or say PORTOLAN=…")
    return Tools(gateway, built / "portolan-fixture", built / "portolan-rmcp-client")
