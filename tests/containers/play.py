#!/usr/bin/env python3
"""The gateway before servers in containers of a real engine: what `run` plays.

Needs DOCKER_HOST, IMAGE (Debian with Python, mcp-server-time, Node and server-everything), REGISTRY and PORTOLAN. Each
test has a home of its own, and looks afterwards whether a container is left.
"""

import base64
import hashlib
import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import urllib.request
from pathlib import Path

IMAGE, PORTOLAN = os.environ["IMAGE"], os.environ["PORTOLAN"]
TIME = {"image": IMAGE, "args": ["python3", "-m", "mcp_server_time", "--local-timezone", "UTC"]}
EVERYTHING = {
    "image": IMAGE,
    "args": ["node", "/opt/everything/node_modules/@modelcontextprotocol/server-everything/dist/index.js"],
}
# A server of a few lines, which does what its test wants to know.
TINY = r"""
import json, os, socket, sys, urllib.request
def do(name, a):
    if name == "env": return dict(os.environ)
    if name == "id": return [os.getuid(), os.getgid()]
    if name == "write": open(a["path"], "w").write("x"); return "written"
    if name == "read": return open(a["path"]).read()
    if name == "get":
        try: return urllib.request.urlopen(a["url"], timeout=5).read().decode()
        except Exception as error: return f"{type(error).__name__}: {error}"
    if name == "connect":
        try: socket.socket(socket.AF_UNIX if isinstance(a["to"], str) else socket.AF_INET).connect(a["to"] if isinstance(a["to"], str) else tuple(a["to"])); return "connected"
        except Exception as error: return f"{type(error).__name__}: {error}"
    if name == "die": os._exit(3)
    if name == "sleep":
        import time
        return time.sleep(a["s"])
    if name == "eat": return len(bytearray(a["bytes"]))
    if name == "deaf":
        import signal, time
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        os.close(0); time.sleep(600)
print("tiny is here", file=sys.stderr, flush=True)
for line in sys.stdin:
    m = json.loads(line)
    if "id" not in m: continue
    p = m.get("params") or {}
    if m["method"] == "initialize":
        r = {"protocolVersion": p["protocolVersion"], "capabilities": {"tools": {}}, "serverInfo": {"name": "tiny", "version": "1"}}
    elif m["method"] == "tools/list":
        r = {"tools": [{"name": n, "inputSchema": {"type": "object"}} for n in ("env", "id", "write", "read", "get", "connect", "die", "sleep", "eat", "deaf")]}
    elif m["method"] == "tools/call":
        try: text, bad = json.dumps(do(p["name"], p.get("arguments") or {})), False
        except BaseException as error: text, bad = f"{type(error).__name__}: {error}", True
        r = {"content": [{"type": "text", "text": text}], "isError": bad}
    else:
        print(json.dumps({"jsonrpc": "2.0", "id": m["id"], "error": {"code": -32601, "message": "no"}}), flush=True); continue
    print(json.dumps({"jsonrpc": "2.0", "id": m["id"], "result": r}), flush=True)
"""


def tiny(**more):
    return {"image": IMAGE, "args": ["python3", "-c", TINY], **more}


def docker(*words):
    return subprocess.run(["docker", "--host", os.environ["DOCKER_HOST"], *words], capture_output=True, text=True, check=True).stdout


def left():
    return docker("ps", "-aq").split()


def until(what, is_so, seconds=20):
    end = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > end:
            raise AssertionError(f"{what}: not within {seconds} s")
        time.sleep(0.05)


class Gateway:
    """A gateway over stdio, and a client of it."""

    def __init__(self, home, servers, *flags, wait=True, keys="", **more):
        config = Path(home) / "servers.json"
        config.write_text(json.dumps({"mcpServers": servers}))
        env = {k: v for k, v in os.environ.items() if not k.startswith(("XDG_", "PORTOLAN_"))}
        env |= {"HOME": str(home), "PORTOLAN_HOME": str(Path(home) / "p")}
        if keys:
            env["PORTOLAN_IMAGE_KEYS"] = keys
        self.began = time.monotonic()
        self.process = subprocess.Popen(
            [PORTOLAN, "gateway", "run", "--config", str(config), *([] if "--runtime" in flags else ["--runtime", "auto"]), *flags],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=open(Path(home) / "log", "ab"), env=env, cwd=home, **more,
        )
        self.env, self.config, self.answers, self.next = env, str(config), queue.Queue(), 0
        threading.Thread(target=self.read, daemon=True).start()
        self.ask("initialize", {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}})
        self.initialized = time.monotonic() - self.began
        self.send({"method": "notifications/initialized"})
        if wait:
            self.tools = {tool["name"] for tool in self.ask("tools/list", {}, 90)["tools"]}

    def read(self):
        for line in self.process.stdout:
            self.answers.put(json.loads(line))
        self.answers.put(None)

    def send(self, message):
        self.process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")
        self.process.stdin.flush()

    def ask(self, method, params, seconds=60):
        self.next += 1
        self.send({"id": self.next, "method": method, "params": params})
        end = time.monotonic() + seconds
        while True:
            answer = self.answers.get(timeout=max(0.1, end - time.monotonic()))
            if answer is None:
                raise AssertionError("the gateway has ended")
            if answer.get("id") == self.next and "method" not in answer:
                if "error" in answer:
                    raise AssertionError(answer["error"]["message"])
                return answer["result"]

    def call(self, name, arguments=None, seconds=60):
        result = self.ask("tools/call", {"name": name, "arguments": arguments or {}}, seconds)
        said = "".join(part.get("text", "") for part in result["content"])
        if result.get("isError"):
            raise AssertionError(said)
        return said

    def soon(self, name, arguments=None):
        """A server that died soon after its start rests before the next."""
        end = time.monotonic() + 40
        while True:
            try:
                return self.call(name, arguments)
            except AssertionError as error:
                if "next try in" not in str(error) or time.monotonic() > end:
                    raise
                time.sleep(0.2)

    def fails_or_none(self, name, arguments=None):
        try:
            self.call(name, arguments)
        except AssertionError as error:
            return str(error)

    def fails(self, name, arguments=None):
        try:
            said = self.call(name, arguments)
        except AssertionError as error:
            return str(error)
        raise AssertionError(f"{name} did not fail: {said}")

    def cli(self, *words):
        done = subprocess.run([PORTOLAN, *words], capture_output=True, text=True, env=self.env)
        return done.stdout + done.stderr

    def close(self):
        self.process.stdin.close()
        return self.process.wait(30)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            try:
                self.close()
            except subprocess.TimeoutExpired:
                self.process.kill()


TESTS = []


def test(function):
    TESTS.append(function)
    return function


@test
def real_servers_work(home):
    with Gateway(home, {"time": TIME, "everything": EVERYTHING}) as gateway:
        assert "UTC" in gateway.call("get_current_time", {"timezone": "UTC"})
        assert "hello" in gateway.call("echo", {"message": "hello"})
        assert len(left()) == 2
        # The same container for every call.
        for _ in range(20):
            gateway.call("echo", {"message": "hello"})
        assert len(left()) == 2
        shown = gateway.cli("server", "inspect", "time")
        assert "container of Docker" in shown and "no network" in shown, shown


@test
def nothing_of_what_it_is_started_with_is_seen_outside(home):
    server = tiny(env={"TOKEN": "hunter2"})
    server["args"] = [*server["args"], "--key=hunter3"]
    with Gateway(home, {"tiny": server}) as gateway:
        assert json.loads(gateway.call("env"))["TOKEN"] == "hunter2"
        about = docker("inspect", *left())
        assert "hunter" not in about, about
        labels = json.loads(about)[0]["Config"]["Labels"]
        assert labels["portolan.server"] == "tiny" and labels["portolan.owner"].startswith(f"{gateway.process.pid}-"), labels
        assert "tiny is here" in gateway.cli("server", "logs", "tiny")


@test
def twenty_secrets_stay_inside(home):
    """As environment and on the command line of the server, in everything that it says; looked for wherever others can look."""
    planted = [f"pl4nted{n:02}Zq8r1vWk3mXu7TyB5nLp" for n in range(20)]
    server = tiny(env={f"TOKEN_{n}": secret for n, secret in enumerate(planted)})
    with Gateway(home, {"tiny": server}, "--verbose") as gateway:
        seen = [gateway.call("env")]
        assert '"TOKEN_3": "***"' in seen[0], seen
        seen.append(docker("inspect", *left()) + docker("ps", "-a", "--no-trunc"))
        inside = set(docker("top", *left(), "-eo", "pid").split()[1:])
        for process in Path("/proc").glob("[0-9]*"):
            for name in ("cmdline", "environ"):
                if process.name in inside and name == "environ":
                    continue
                try:
                    seen.append((process / name).read_bytes().decode(errors="replace"))
                except OSError:
                    pass
        seen += [gateway.fails("read", {"path": "/proc/self/nothing"}), gateway.fails("die")]
        seen += [gateway.cli(*words.split()) for words in ("server logs tiny", "server inspect tiny", "calls ls --format json")]
    for file in Path(home).rglob("*"):
        if file.is_file() and file.name not in ("servers.json", "secrets.key"):
            seen.append(file.read_bytes().decode(errors="replace"))
    seen = "\n".join(seen)
    assert "tiny is here" in seen and '"kind":"call"' in seen
    assert [secret for secret in planted if secret in seen] == []
    # What was looked at would show one that a container was given as usual.
    usual = docker("create", "-e", f"TOKEN={planted[0]}", IMAGE).strip()
    shown = docker("inspect", usual)
    docker("rm", usual)
    assert planted[0] in shown


@test
def a_server_has_the_least(home):
    notes = Path(home) / "notes"
    notes.mkdir()
    (notes / "a").write_text("mine")
    os.chown(notes, 1234, 1234)
    servers = {"tiny": tiny(volumes=[f"{notes}:/notes:ro"])}
    with Gateway(home, servers) as gateway:
        assert json.loads(gateway.call("id")) == [65532, 65532]
        assert "Read-only" in gateway.fails("write", {"path": "/x"})
        assert "Read-only" in gateway.fails("write", {"path": "/notes/x"})
        assert "mine" in gateway.call("read", {"path": "/notes/a"})
        gateway.call("write", {"path": "/tmp/x"})
        assert "unreachable" in gateway.call("get", {"url": "http://1.1.1.1/"}).lower()
    # To write in a folder is to be its owner; the root can be opened too.
    with Gateway(home, {"tiny": tiny(volumes=[f"{notes}:/notes"], read_only=False)}) as gateway:
        assert json.loads(gateway.call("id")) == [1234, 1234]
        gateway.call("write", {"path": "/notes/new"})
        assert (notes / "new").stat().st_uid == 1234
    with Gateway(home, {"tiny": tiny(read_only=False)}) as gateway:
        gateway.call("write", {"path": "/opt/new"})
    for never in ["/:/host", "/var/run/docker.sock:/s", f"{os.environ['DOCKER_HOST'][7:]}:/s", "/proc:/p", f"{home}:/h", f"{home}/p:/p"]:
        with Gateway(home, {"tiny": tiny(volumes=[never])}, wait=False) as gateway:
            until(never, lambda: "shared" in gateway.cli("server", "ls", "--format", "json") or gateway.ask("tools/list", {}) is None)
            assert left() == []


@test
def what_is_listed_is_reached_and_nothing_else(home):
    import http.server

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"reached")

        def log_message(self, *_):
            pass

    served = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=served.serve_forever, daemon=True).start()
    port = served.server_address[1]
    engine = os.stat(os.environ["DOCKER_HOST"].removeprefix("unix://"))
    # By root, and by somebody who may do nothing but speak to the engine.
    for uid, groups in ((0, []), (1234, [engine.st_gid])):
        own = Path(home) / str(uid)
        own.mkdir()
        os.chown(own, uid, uid)
        os.chmod(home, 0o755)
        whom = {"user": uid, "group": uid, "extra_groups": groups} if uid else {}
        with Gateway(own, {"tiny": tiny(network=[f"allowed.test:{port}=127.0.0.1"])}, **whom) as gateway:
            assert "reached" in gateway.call("get", {"url": f"http://allowed.test:{port}/"})
            assert "403" in gateway.call("get", {"url": f"http://other.test:{port}/"})
            assert "refused" in gateway.call("get", {"url": f"http://127.0.0.1:{port}/"})
            assert "unreachable" in gateway.call("connect", {"to": ["1.1.1.1", 80]})
            # What handed its listener over leads nowhere any more.
            assert "Refused" in gateway.call("connect", {"to": "/.portolan-door"})
            log = gateway.cli("server", "logs", "tiny")
            assert f'"other.test:{port}" was refused' in log, log
            shown = gateway.cli("server", "inspect", "tiny")
            assert "container of Docker" in shown and "a proxy" in shown, shown
        assert list(own.glob("**/doors/*")) == []
    served.shutdown()


# As Docker's registry has them: each call of a tool is a container.
SHOTS = """
name: shots
type: poci
tools:
  - name: run
    description: Runs a command line
    parameters: {type: object, properties: {args: {type: array, items: {type: string}}, dir: {type: string}}, required: [args]}
    container: {image: "IMAGE", command: ["{{args|into}}"], volumes: ["{{dir}}:{{dir}}"]}
"""


def sleeping():
    return subprocess.run(["pgrep", "-f", "^sleep 600.25"], capture_output=True).stdout


@test
def one_shot_tools_run_for_each_call(home):
    one_shot_tools(home, "auto")


@test
def one_shot_tools_run_without_an_engine(home):
    one_shot_tools(home, "sandbox")


def one_shot_tools(home, runtime):
    folder, catalog = Path(home) / "videos", Path(home) / "docker.yaml"
    (folder / "one").mkdir(parents=True)
    (Path(home) / "other").mkdir()
    (folder / "one" / "film").write_text("moving")
    os.chown(folder, 1234, 1234)
    catalog.write_text("registry:\n  " + SHOTS.strip().replace("IMAGE", IMAGE).replace("name: shots", "shots:", 1).replace("\n", "\n    ") + "\n")
    config = Path(home) / "config.yaml"
    config.write_text(f"shots:\n  folders: [{folder}]\n")
    if runtime == "sandbox":
        # A registry on this machine is for what the person's own configuration names; what is here is here.
        with Gateway(home, {"tiny": tiny()}, "--runtime", runtime, wait=False) as gateway:
            gateway.ask("tools/list", {}, 60)
            until("the image", lambda: '"ready"' in gateway.cli("server", "ls", "--format", "json"), 120)
    with Gateway(home, {}, "--config", str(config), "--catalog", str(catalog), "--runtime", runtime) as gateway:
        assert "run" in gateway.call("mcp-add", {"name": "shots"})
        assert left() == []
        assert gateway.call("run", {"args": ["sh", "-c", "echo one; echo; id -u"]}) == f"one\n\n{1234 if runtime == 'auto' else 65532}\n"
        assert "moving" in gateway.call("run", {"args": ["cat", f"{folder}/one/film"], "dir": f"{folder}/one"})
        failed = gateway.fails("run", {"args": ["sh", "-c", "echo half; echo why >&2; exit 7"]})
        assert all(word in failed for word in ("half", "why", "code 7")), failed
        assert "never shared" in gateway.fails("run", {"args": ["ls"], "dir": "/etc"})
        assert "have them add it" in gateway.fails("run", {"args": ["ls"], "dir": f"{home}/other"})
        assert "args" in gateway.fails("run", {})
        said = gateway.fails("run", {"args": ["no-such-program"]})
        assert "not in the image" in said or "could not be started" in said, said
        said = gateway.fails("run", {"args": ["python3", "-c", "import socket; socket.create_connection(('1.1.1.1', 80))"]}).lower()
        assert "unreachable" in said, said
        assert left() == []
        # Who does not wait any more leaves nothing running.
        gateway.send({"id": 99, "method": "tools/call", "params": {"name": "run", "arguments": {"args": ["sleep", "600.25"]}}})
        if runtime == "auto":
            until("one", lambda: len(left()) == 1)
        else:
            until("one", lambda: sleeping())
        gateway.send({"method": "notifications/cancelled", "params": {"requestId": 99}})
        until("nothing", lambda: left() == [] and not sleeping())
        shown = gateway.cli("server", "inspect", "shots")
        assert "for each call" in shown, shown
    until("nothing", lambda: left() == [])


@test
def a_server_that_dies_is_started_again(home):
    with Gateway(home, {"tiny": tiny()}) as gateway:
        failed = gateway.fails("die")
        assert "code 3" in failed, failed
        assert json.loads(gateway.soon("id")) == [65532, 65532]
        until("one container", lambda: len(left()) == 1)


@test
def who_takes_too_much_is_ended_and_told(home):
    with Gateway(home, {"tiny": tiny()}, "--memory", "64m") as gateway:
        failed = gateway.fails("eat", {"bytes": 256 << 20})
        assert "more memory than its limit" in failed, failed
        gateway.soon("id")


@test
def a_deaf_server_is_killed(home):
    with Gateway(home, {"tiny": tiny()}) as gateway:
        gateway.send({"id": 99, "method": "tools/call", "params": {"name": "deaf", "arguments": {}}})
        time.sleep(0.5)
        gateway.process.send_signal(signal.SIGTERM)
        assert gateway.process.wait(30) is not None
    until("nothing", lambda: left() == [])


@test
def after_sigkill_the_next_start_leaves_nothing(home):
    gateway = Gateway(home, {"tiny": tiny(), "deaf": {**tiny(), "args": ["python3", "-c", TINY.replace("for line in sys.stdin:", "import time\nfor line in iter(sys.stdin.readline, None):\n    if not line: time.sleep(1); continue")]}})
    assert len(left()) == 2
    gateway.process.kill()
    gateway.process.wait()
    # The one hears that its gateway is gone, the other does not want to.
    until("one", lambda: len(left()) == 1)
    deaf = left()
    with Gateway(home, {"time": TIME}) as gateway:
        until("the other", lambda: deaf[0] not in left())
        # What belongs to a gateway that lives stays.
        with tempfile.TemporaryDirectory(dir="/tmp") as other, Gateway(other, {"time": TIME}):
            assert len(left()) == 2
        with Gateway(home, {"time": TIME}) as third:
            third.call("get_current_time", {"timezone": "UTC"})
            assert len(left()) == 2


@test
def a_hundred_starts_and_stops_leave_nothing(home):
    def held():
        mounts = len(Path("/proc/mounts").read_text().splitlines())
        return mounts, len(docker("volume", "ls", "-q").split())

    before = held()
    with Gateway(home, {"tiny": tiny()}) as gateway:
        descriptors = len(os.listdir(f"/proc/{gateway.process.pid}/fd"))
        for _ in range(100):
            gateway.call("id")
            gateway.cli("server", "restart", "tiny")
        gateway.cli("server", "stop", "tiny")
        until("nothing", lambda: left() == [])
        now = len(os.listdir(f"/proc/{gateway.process.pid}/fd"))
        assert now <= descriptors + 4, f"{descriptors} descriptors, then {now}"
    assert held() == before


@test
def images_are_what_was_said(home):
    def why(entry, *flags):
        with Gateway(home, {"tiny": entry}, *flags, wait=False) as gateway:
            gateway.ask("tools/list", {}, 60)
            return gateway.cli("server", "ls", "--format", "json")

    name, digest = IMAGE.split("@")
    wrong = f"{name}@sha256:{'0' * 64}"
    registry = os.environ["REGISTRY"]
    # Not by the engine's hand: `portolan-test:base` is the same image, and keeps its layers.
    subprocess.run(["docker", "--host", os.environ["DOCKER_HOST"], "rmi", f"{registry}/portolan/base:1", IMAGE], capture_output=True)
    try:
        told = why({**tiny(), "image": f"{registry}/portolan/base:1"}, "--pull", "never")
        assert "is not here" in told and "docker pull" in told, told
        told = why({**tiny(), "image": f"{registry}/portolan/none:1"})
        assert "could not be fetched" in told, told
        told = why({**tiny(), "image": wrong})
        assert "could not be fetched" in told or "another digest" in told, told
        # Fetched by its digest, over the loopback.
        with Gateway(home, {"tiny": tiny()}) as gateway:
            gateway.call("id")
    finally:
        docker("pull", "-q", f"{registry}/portolan/base:1")
        docker("pull", "-q", IMAGE)
    told = why({**tiny(), "args": ["no-such-program"]})
    assert "is not in the image" in told, told


@test
def an_engine_that_dies_in_a_call_is_told_and_taken_up_again(home):
    start = Path(os.environ["ENGINE_START"])
    with Gateway(home, {"tiny": tiny()}) as gateway:
        gateway.next += 1
        gateway.send({"id": gateway.next, "method": "tools/call", "params": {"name": "sleep", "arguments": {"s": 600}}})
        time.sleep(0.5)
        # With its helper, which would keep the next one from its socket.
        for file in ("pid", "exec/containerd/containerd.pid"):
            os.kill(int((start.parent / file).read_text()), signal.SIGKILL)
        answer = gateway.answers.get(timeout=20)
        while answer.get("id") != gateway.next:
            answer = gateway.answers.get(timeout=20)
        assert "the container engine ended" in json.dumps(answer), answer
        time.sleep(1)
        subprocess.Popen([str(start)], start_new_session=True)
        until("the engine", lambda: subprocess.run(["docker", "--host", os.environ["DOCKER_HOST"], "version"], capture_output=True).returncode == 0, 60)
        gateway.soon("id")
        # The lost one is ended by the engine, or by us.
        until("one container", lambda: len(left()) == 1, 40)


@test
def what_is_here_starts_with_every_registry_unreachable(home):
    # Under a name whose registry nobody has ever reached.
    docker("tag", IMAGE, "registry.invalid/acme/base:1")
    server = {**tiny(), "image": "registry.invalid/acme/base:1"}
    try:
        with Gateway(home, {"tiny": server}, "--pull", "missing") as gateway:
            gateway.call("id")
        with Gateway(home, {}, "--servers", "docker://registry.invalid/acme/base:1", "--dynamic", wait=False) as gateway:
            shown = gateway.cli("server", "inspect", "base")
            assert "docker://" not in shown, shown
        server["image"] = "registry.invalid/acme/other:1"
        with Gateway(home, {"tiny": server}, wait=False) as gateway:
            gateway.ask("tools/list", {}, 60)
            told = gateway.cli("server", "ls", "--format", "json")
            assert "could not be fetched" in told and "registry.invalid" in told, told
    finally:
        docker("rmi", "registry.invalid/acme/base:1")


def as_whom(uid):
    """Both ways of making boxes: by root, and by somebody who may do nothing."""
    return {"user": uid, "group": uid, "extra_groups": []} if uid else {}


@test
def images_run_without_an_engine(home):
    for uid in (0, 1234):
        own = Path(home) / str(uid)
        notes = own / "notes"
        notes.mkdir(parents=True)
        (notes / "a").write_text("mine")
        for path in (Path(home), own, notes, notes / "a"):
            os.chown(path, uid, uid) if path != Path(home) else os.chmod(path, 0o755)
        server = tiny(volumes=[f"{notes}:/notes"], env={"TOKEN": "hunter2"})
        with Gateway(own, {"tiny": server, "time": TIME}, "--runtime", "sandbox", wait=False, **as_whom(uid)) as gateway:
            gateway.ask("tools/list", {}, 120)
            until("both", lambda: gateway.cli("server", "ls", "--format", "json").count('"ready"') == 2, 120)
            assert "UTC" in gateway.soon("get_current_time", {"timezone": "UTC"}), uid
            env = json.loads(gateway.soon("env"))
            assert env["TOKEN"] == "hunter2" and env["PYTHONPATH"] == "/opt/python", env
            assert "mine" in gateway.call("read", {"path": "/notes/a"})
            gateway.call("write", {"path": "/notes/new"})
            assert (notes / "new").stat().st_uid == uid
            gateway.call("write", {"path": "/tmp/x"})
            assert "Read-only" in gateway.fails("write", {"path": "/opt/x"})
            # What is in the box is the image's, and nothing of this machine.
            assert "No such file" in gateway.fails("read", {"path": PORTOLAN})
            # A box has a proxy, so that it can be said what was refused.
            said = gateway.call("get", {"url": "http://1.1.1.1/"}).lower()
            assert "not in the list" in said, said
            shown = gateway.cli("server", "inspect", "tiny")
            assert "its image in a box" in shown, shown
        assert left() == []
        # The whole network takes two who want it.
        server = tiny(network="open")
        with Gateway(own, {"tiny": server}, "--runtime", "sandbox", **as_whom(uid)) as gateway:
            assert "open_network" in gateway.cli("server", "ls", "--format", "json")
        (own / "p").mkdir(exist_ok=True)
        (own / "p" / "config.toml").write_text('[gateway]\nopen_network = ["tiny"]\n')
        os.chmod(own / "p" / "config.toml", 0o644)
        with Gateway(own, {"tiny": server}, "--runtime", "sandbox", **as_whom(uid)) as gateway:
            said = gateway.soon("get", {"url": f"http://{os.environ['REGISTRY']}/v2/"})
            assert said == '"{}"', said
        # What is here starts with every registry out of reach, and what is not says so.
        with Gateway(own, {"tiny": {**tiny(), "image": "registry.invalid/acme/x:1"}}, "--runtime", "sandbox", wait=False, **as_whom(uid)) as gateway:
            gateway.ask("tools/list", {}, 60)
            told = gateway.cli("server", "ls", "--format", "json")
            assert "could not be fetched" in told and "registry.invalid" in told, told


def put(path, body, kind):
    request = urllib.request.Request(f"http://{os.environ['REGISTRY']}/v2/portolan/base/{path}", data=body, method="PUT", headers={"Content-Type": kind})
    urllib.request.urlopen(request).read()


def blob(body):
    place = urllib.request.urlopen(urllib.request.Request(f"http://{os.environ['REGISTRY']}/v2/portolan/base/blobs/uploads/", data=b"", method="POST")).headers["Location"]
    digest = "sha256:" + hashlib.sha256(body).hexdigest()
    request = urllib.request.Request(place + ("&" if "?" in place else "?") + f"digest={digest}", data=body, method="PUT", headers={"Content-Type": "application/octet-stream"})
    urllib.request.urlopen(request).read()
    return digest


def signed_by(key, digest):
    """As cosign signs by a key: the signature by OpenSSL, beside the image in its registry."""
    payload = json.dumps({"critical": {"identity": {"docker-reference": ""}, "image": {"docker-manifest-digest": digest}, "type": "cosign container image signature"}, "optional": None}).encode()
    signature = subprocess.run(["openssl", "dgst", "-sha256", "-sign", key], input=payload, capture_output=True, check=True).stdout
    config = b"{}"
    layer = {
        "mediaType": "application/vnd.dev.cosign.simplesigning.v1+json", "digest": blob(payload), "size": len(payload),
        "annotations": {"dev.cosignproject.cosign/signature": base64.b64encode(signature).decode()},
    }
    kind = "application/vnd.oci.image.manifest.v1+json"
    about = {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": blob(config), "size": len(config)}
    put(f"manifests/{digest.replace(':', '-')}.sig", json.dumps({"schemaVersion": 2, "mediaType": kind, "config": about, "layers": [layer]}).encode(), kind)


@test
def images_are_signed_by_who_has_to(home):
    for name in ("acme", "other"):
        subprocess.run(["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", f"{home}/{name}.pem"], check=True)
        subprocess.run(["openssl", "ec", "-in", f"{home}/{name}.pem", "-pubout", "-out", f"{home}/{name}.pub"], check=True, capture_output=True)
    digest = IMAGE.split("@")[1]
    signed_by(f"{home}/acme.pem", digest)
    registry = os.environ["REGISTRY"]

    def started(runtime, keys, *flags, cache=None):
        own = Path(cache or tempfile.mkdtemp(dir=home))
        with Gateway(own, {"tiny": tiny()}, "--runtime", runtime, *flags, wait=False, keys=keys) as gateway:
            gateway.ask("tools/list", {}, 120)
            end = time.monotonic() + 120
            while True:
                try:
                    gateway.call("id")
                    return "started"
                except AssertionError as error:
                    if "has to be signed" in str(error) or time.monotonic() > end:
                        return str(error)
                    time.sleep(0.5)

    for runtime in ("auto", "sandbox"):
        cache = tempfile.mkdtemp(dir=home)
        assert started(runtime, f"{registry}/portolan/*={home}/acme.pub", cache=cache) == "started", runtime
        told = started(runtime, f"{registry}/portolan/base={home}/other.pub", cache=cache)
        assert "and not by that key" in told and "other.pub" in told, told
        told = started(runtime, "", "--verify-signatures", cache=cache)
        assert "no key is known for it" in told, told
        assert started(runtime, f"{registry}/elsewhere/*={home}/other.pub", cache=cache) == "started", runtime
    assert left() == []


@test
def interceptors_run_as_images(home):
    """The line of Docker's own page about them as it stands there, and ours."""
    docker("tag", IMAGE, "alpine")
    try:
        with Gateway(home, {"tiny": tiny()}, "--interceptor", "before:docker:alpine sh -c 'echo BEFORE >&2'") as gateway:
            assert gateway.call("id").startswith("[")
            until("the line", lambda: "BEFORE" in (Path(home) / "log").read_text())
            assert len(left()) == 1
    finally:
        docker("rmi", "--no-prune", "alpine")
    config = Path(home) / "p" / "config.toml"

    def asked(body, more=""):
        """What becomes of a call, and whether it reached the server."""
        script = "import json, sys; told = json.load(sys.stdin); " + body
        how = json.dumps([IMAGE, "python3", "-c", script])
        config.write_text(f'[[interceptors]]\nname = "ours"\nwhen = "before"\ntool = "write"\ndocker = {how}\n{more}')
        with Gateway(home, {"tiny": tiny()}, "--interceptor", f"after:docker:{IMAGE} python3 -c 'import sys; sys.stdin.read()'") as gateway:
            try:
                said = gateway.call("write", {"path": "/tmp/one"})
            except AssertionError as error:
                said = str(error)
            return said, [path for path in ("/tmp/one", "/tmp/two") if not gateway.fails_or_none("read", {"path": path})]

    assert asked("pass") == ('"written"', ["/tmp/one"])
    rewrite = "print(json.dumps({'decision': 'rewrite', 'arguments': {'path': '/tmp/two'}}))"
    assert asked(rewrite) == ('"written"', ["/tmp/two"])
    said, there = asked("print(json.dumps({'decision': 'refuse', 'reason': 'not by ' + told['call']['caller']}))")
    assert "not by local" in said and there == [], said
    said, there = asked("import time; time.sleep(600)", "timeout_s = 2\n")
    assert "did not end within 2 s" in said and there == [], said
    until("the image that hung is gone", lambda: left() == [])


@test
def without_an_engine_it_is_said(home):
    os.environ["DOCKER_HOST"], real = "unix:///tmp/nowhere.sock", os.environ["DOCKER_HOST"]
    try:
        # With a named engine there is no other way.
        with Gateway(home, {"tiny": tiny()}, "--runtime", "docker", wait=False) as gateway:
            gateway.ask("tools/list", {}, 30)
            told = gateway.cli("server", "ls", "--format", "json")
            assert "no Docker engine is running" in told and "/tmp/nowhere.sock" in told, told
    finally:
        os.environ["DOCKER_HOST"] = real


def main():
    failed = 0
    for play in TESTS:
        if sys.argv[1:] and play.__name__ not in sys.argv[1:]:
            continue
        began = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="portolan-containers-", dir="/tmp") as home:
            try:
                play(home)
                until("nothing left", lambda: left() == [])
                print(f"ok    {play.__name__}, {time.monotonic() - began:.1f} s", flush=True)
            except BaseException as error:  # noqa: BLE001
                if isinstance(error, KeyboardInterrupt):
                    raise
                failed += 1
                log = (Path(home) / "log").read_text(errors="replace")[-1500:] if (Path(home) / "log").exists() else ""
                where = traceback.extract_tb(error.__traceback__)[1]
                print(f"RED   {play.__name__}, line {where.lineno}: {type(error).__name__}: {error}\n{log}", flush=True)
                for one in left():
                    docker("rm", "-f", one)
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
