"""Installs each package in a clean place and calls a tool through it; `run` says which, and where things are.

A way in is a function: it gets a folder, installs there, and says how a client starts what it installed. The clock runs from
before that to the answer of the first call. The client is an official one, which finds a server in the catalog and calls a tool
of one that the gateway starts.
"""

import base64
import contextlib
import csv
import hashlib
import http.server
import io
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))
import packages  # noqa: E402

WORK = Path(os.environ["WORK"])
DIST = WORK / "dist"
PATIENCE = 120
# An ordinary user, where we are root.
NOBODY = 65534
IMAGE = "ghcr.io/portolan-mcp/portolan"


class Wrong(Exception):
    """A package does not do what it should."""


def one(pattern):
    """The one file of that name that was packed."""
    found = sorted(DIST.glob(pattern))
    if len(found) != 1:
        raise Wrong(f"{len(found)} files are called {pattern}")
    return found[0]


def run(*line, timeout=PATIENCE, **more):
    """A command to its end; what it printed."""
    done = subprocess.run([str(word) for word in line], capture_output=True, text=True, timeout=timeout, **more)
    if done.returncode:
        raise Wrong(f"{' '.join(map(str, line))}: exit {done.returncode}: {(done.stderr or done.stdout).strip()[-600:]}")
    return done.stdout


def environment(home):
    """What a person has who has just logged in; Node is where the tests keep it."""
    keep = {key: os.environ[key] for key in ("LANG", "NODE_EXTRA_CA_CERTS") if key in os.environ}
    return {**keep, "PATH": f"{packages.node()}:/usr/bin:/bin", "HOME": str(home)}


def configured(home, program, more=""):
    """The settings of the person: one server, a small one that the program brings."""
    folder = home / ".config" / "portolan"
    folder.mkdir(parents=True)
    text = f"{more}\n[servers.demo]\ncommand = {json.dumps(str(program))}\nargs = [\"__demo-server\"]\n"
    (folder / "config.toml").write_text(text, encoding="utf-8")


def ordinary(folder, line):
    """The same for an ordinary user, to whom the folder belongs."""
    if os.getuid():
        return line
    run("chown", "-R", f"{NOBODY}:{NOBODY}", folder)
    return ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--inh-caps=-all", *map(str, line)]


def target(line, env):
    command, *words = map(str, line)
    return {"command": command, "args": words, "env": env}


# -- the ways in


def tar(folder, home):
    run("tar", "-xzf", one("portolan-*.tar.gz"), "-C", folder)
    program = next(folder.glob("portolan-*/portolan"))
    configured(home, program)
    for name in ("LICENSE-MIT", "LICENSE-APACHE", "THIRD-PARTY.txt", "man/man1/portolan.1", "completions/portolan.bash"):
        if not (program.parent / name).is_file():
            raise Wrong(f"{name} is missing")
    return target(ordinary(folder, [program, "gateway", "run"]), environment(home))


def wheel(folder, home):
    file = one("*.whl")
    recorded(file)
    run(sys.executable, "-m", "venv", folder / "venv")
    run(folder / "venv/bin/pip", "install", "-q", "--no-index", "--no-cache-dir", file, env=environment(home))
    program = folder / "venv/bin/portolan"
    configured(home, program)
    # By the name of the package, as `uvx` starts it.
    return target(ordinary(folder, [folder / "venv/bin/portolan-mcp", "gateway", "run"]), environment(home))


def recorded(file):
    """Every file of a wheel stands in its list, with its digest; pip does not look."""
    with zipfile.ZipFile(file) as archive:
        name = next(name for name in archive.namelist() if name.endswith(".dist-info/RECORD"))
        lines = {path: (digest, size) for path, digest, size in csv.reader(io.StringIO(archive.read(name).decode()))}
        if set(lines) != set(archive.namelist()) or lines[name] != ("", ""):
            raise Wrong("the list of the wheel is not that of its files")
        for path in set(lines) - {name}:
            content = archive.read(path)
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
            if lines[path] != (f"sha256={digest}", str(len(content))):
                raise Wrong(f"{path} is not what the list says")


def npm(folder, home):
    env = environment(home)
    # Without a registry: both packages are here, and nothing else is needed.
    line = ["npm", "install", "--offline", "--no-audit", "--no-fund", "--ignore-scripts"]
    run(*line, one("portolan-mcp-portolan-linux-*.tgz"), one("portolan-mcp-portolan-[0-9]*.tgz"), cwd=folder, env=env)
    configured(home, next(folder.glob("node_modules/@portolan-mcp/portolan-linux-*/bin/portolan")))
    return target(ordinary(folder, [folder / "node_modules/.bin/portolan", "gateway", "run"]), env)


def mcpb(folder, home):
    run(sys.executable, "-c", "import shutil, sys; shutil.unpack_archive(sys.argv[1], sys.argv[2], 'zip')",
        one("*.mcpb"), folder / "bundle")
    manifest = json.loads((folder / "bundle/manifest.json").read_text(encoding="utf-8"))
    server = manifest["server"]
    # Applications set the mode of the entry point, because not every way of unpacking keeps it.
    (folder / "bundle" / server["entry_point"]).chmod(0o755)
    mean = lambda text: text.replace("${__dirname}", str(folder / "bundle"))
    line = [mean(word) for word in (server["mcp_config"]["command"], *server["mcp_config"]["args"])]
    configured(home, line[0])
    return target(ordinary(folder, line), {**environment(home), **server["mcp_config"]["env"]})


def cargo(folder, home):
    # Into the same target folder, as whoever builds anyway: what is measured is not the compiler.
    line = ["cargo", "install", "--quiet", "--locked", "--offline", "--no-track", "--path", ROOT / "crates/cli", "--root", folder]
    line += ["--target-dir", ROOT / "target", *(["--debug"] if "/debug/" in os.environ["PORTOLAN"] else [])]
    run(*line, timeout=3600, cwd=ROOT)
    program = folder / "bin/portolan"
    configured(home, program)
    return target([program, "gateway", "run"], environment(home))


def deb(folder, home):
    """In a Debian of its own, with a root of its own: dpkg refuses what it lacks."""
    system = folder / "system"
    for name in ("above", "work", "system"):
        (folder / name).mkdir()
    layers = f"lowerdir={os.environ['DEBIAN']},upperdir={folder}/above,workdir={folder}/work"
    run("mount", "-t", "overlay", "overlay", "-o", layers, system)
    file = one("*.deb")
    shutil.copy(file, system / "portolan.deb")
    run("chroot", system, "dpkg", "--install", "/portolan.deb")
    if run("chroot", system, "dpkg", "--verify", "portolan"):
        raise Wrong("dpkg finds other files than it has installed")
    unit = system / "usr/lib/systemd/user/portolan.service"
    if shutil.which("systemd-analyze"):
        text = unit.read_text(encoding="utf-8").replace("/usr/bin/portolan", str(system / "usr/bin/portolan"))
        (folder / "portolan.service").write_text(text, encoding="utf-8")
        run("systemd-analyze", "--user", "--man=no", "verify", folder / "portolan.service",
            env={**os.environ, "XDG_RUNTIME_DIR": str(folder)})
    notified(system, folder)
    configured(system / "root", "/usr/bin/portolan")
    return target([*inside(system), "/usr/bin/portolan", "gateway", "run"], {"PATH": "/usr/bin:/bin", "HOME": "/root"})


def inside(system):
    """A root that is mounted, not only changed to: in one that is only changed to, nobody makes a box."""
    line = [shutil.which("bwrap"), "--bind", system, "/", "--proc", "/proc", "--dev", "/dev"]
    return [*line, "--unshare-pid", "--die-with-parent", "--cap-add", "ALL"]


def notified(system, folder):
    """What the unit starts says that it is ready, as `Type=notify` waits for."""
    unit = (system / "usr/lib/systemd/user/portolan.service").read_text(encoding="utf-8")
    line = next(line.removeprefix("ExecStart=") for line in unit.splitlines() if line.startswith("ExecStart="))
    (system / "run/notify").unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(system / "run/notify"))
        listening.settimeout(PATIENCE)
        env = {"PATH": "/usr/bin:/bin", "HOME": "/tmp/unit", "NOTIFY_SOCKET": "/run/notify"}
        (system / "tmp/unit/.config/portolan").mkdir(parents=True)
        (system / "tmp/unit/.config/portolan/config.toml").write_text("[gateway]\nport = 0\n", encoding="utf-8")
        with open(folder / "unit.log", "w", encoding="utf-8") as log:
            service = subprocess.Popen([*inside(system), *line.split()], env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            said = listening.recv(100)
        except TimeoutError:
            raise Wrong(f"what the unit starts did not say that it is ready: {(folder / 'unit.log').read_text()[-400:]}") from None
        finally:
            service.terminate()
            service.wait(PATIENCE)
    if said != b"READY=1":
        raise Wrong(f"what the unit starts said {said}")


def image(folder, home):
    """By an engine: as nobody, without a network, with a root that nobody writes to."""
    loaded = run("docker", "load", "--input", one("*.oci.tar"))
    name = next(word for word in loaded.split() if word.startswith(IMAGE))
    # There is nothing in it to make boxes with, and it is one itself.
    configured(home, "/usr/bin/portolan", "[gateway]\nallow_unsandboxed = true")
    run("chmod", "-R", "a+rX", home)
    resolved(name)
    line = ["docker", "run", "--rm", "--interactive", "--network", "none", "--read-only", "--cap-drop", "ALL", "--tmpfs", "/tmp"]
    line += ["--tmpfs", "/home/portolan:mode=1777", "--volume", f"{home}/.config/portolan:/home/portolan/.config/portolan:ro"]
    return target([*line, name], {**environment(home), "DOCKER_HOST": os.environ["DOCKER_HOST"]})


def resolved(name):
    """Names of hosts are looked up from within, by the rules of a machine that has no files for that."""
    with names("127.0.0.77") as asked, pages() as (port, seen):
        config = WORK / "named"
        configured(config, "/nowhere")
        (config / ".config/portolan/config.toml").write_text(
            f'[servers.named]\nurl = "http://gateway.test:{port}/mcp"\n', encoding="utf-8")
        run("chmod", "-R", "a+rX", config)
        line = ["docker", "run", "--rm", "--network", "host", "--dns", "127.0.0.77", "--tmpfs", "/home/portolan:mode=1777"]
        line += ["--volume", f"{config}/.config/portolan:/home/portolan/.config/portolan:ro", name, "tools", "ls"]
        said = subprocess.run(line, capture_output=True, text=True, timeout=PATIENCE)
        if "gateway.test" not in asked or not seen:
            raise Wrong(f"no name was looked up from within the image ({asked}, {seen}): {said.stderr.strip()[-400:]}")


@contextlib.contextmanager
def names(address):
    """A server of names for which every name is this machine; the names that it was asked for."""
    asked = []

    def answer(question):
        labels, at = [], 12
        while question[at]:
            labels.append(question[at + 1 : at + 1 + question[at]].decode())
            at += 1 + question[at]
        asked.append(".".join(labels))
        is_a = question[at + 1 : at + 3] == b"\0\1"
        head = question[:2] + b"\x81\x80\0\1" + (b"\0\1" if is_a else b"\0\0") + b"\0\0\0\0"
        record = b"\xc0\x0c\0\1\0\1\0\0\0\1\0\4\x7f\0\0\1" if is_a else b""
        return head + question[12 : at + 5] + record

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.bind((address, 53))

        def serve():
            with contextlib.suppress(OSError):
                while True:
                    question, who = listening.recvfrom(2000)
                    if not question:
                        return
                    listening.sendto(answer(question), who)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield asked
        finally:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
                last.sendto(b"", (address, 53))
            thread.join(PATIENCE)


@contextlib.contextmanager
def pages():
    """Something that is reached over HTTP; its port, and who was asked for."""
    seen = []

    class Page(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            seen.append(self.headers["Host"])
            self.send_error(503)

        do_GET = do_POST

        def log_message(self, *words):
            """Nobody reads it."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server.server_port, seen
        finally:
            server.shutdown()


def box(folder, home):
    """Without an engine: a gateway fetches the image and runs it in a box, as a server of its own."""
    loaded = run("docker", "load", "--input", one("*.oci.tar"))
    name = next(word for word in loaded.split() if word.startswith(IMAGE))
    there = f"{os.environ['REGISTRY']}/portolan/portolan:1"
    run("docker", "tag", name, there)
    run("docker", "push", "--quiet", there)
    line = [WORK / "portolan", "gateway", "run", "--runtime", "sandbox", "--servers", f"docker://{there}"]
    return target(line, environment(home))


WAYS = {way.__name__: way for way in (tar, wheel, npm, mcpb, cargo, deb, image, box)}
# A Python client for what comes by pip, a TypeScript one for the rest.
PYTHON = {"wheel"}
FIND = {"do": "call", "name": "mcp-find", "arguments": {"query": "what time is it in another country"}}
ECHO = {"do": "call", "name": "echo", "arguments": {"message": "the first call"}}


def client(way):
    if way in PYTHON:
        return [packages.folder("py2") / "bin/python", ROOT / "tests/clients/py.py"]
    packages.folder("ts2")
    return [packages.node() / "node", ROOT / "tests/clients/ts.mjs", "ts2"]


def first_call(way, to):
    """What a client got, in words; what is wrong is told."""
    # In the box it is a server among others, whose tools that are called as ours are told apart.
    steps = [{**FIND, "name": "portolan__mcp-find"}] if way == "box" else [FIND, ECHO]
    plan = {"target": to, "era": "handshake", "answers": {"sample": "", "elicit": {}, "roots": []}, "steps": steps}
    env = {**os.environ, "PORTOLAN_TEST_CACHE": str(packages.cache())}
    answer = json.loads(run(*client(way), input=json.dumps(plan), env=env))
    texts = []
    for step, result in zip(steps, answer["results"]):
        if "error" in result:
            raise Wrong(f"{step['name']}: {result['error']}")
        text = "".join(block.get("text", "") for block in result["value"]["content"])
        if result["value"].get("isError"):
            raise Wrong(f"{step['name']}: {text}")
        texts.append(text)
    if "time" not in texts[0] or (len(steps) > 1 and "the first call" not in texts[1]):
        raise Wrong(f"the answers are {texts}")


def main():
    failed = []
    for way in sys.argv[1:]:
        folder = WORK / way
        home = folder / "home"
        home.mkdir(parents=True)
        client(way)  # what the client itself is made of is there before
        started = time.monotonic()
        try:
            to = WAYS[way](folder, home)
            installed = time.monotonic() - started
            first_call(way, to)
            print(f"{way:8} ok: installed in {installed:.1f} s, first call answered after {time.monotonic() - started:.1f} s", flush=True)
        except (Wrong, OSError, subprocess.TimeoutExpired) as wrong:
            failed.append(way)
            print(f"{way:8} failed: {wrong}", flush=True)
    sys.exit(bool(failed))


main()
