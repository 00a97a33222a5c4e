"""The servers of the matrix: where they come from, how they start, which eras they speak."""

import dataclasses
import os
import subprocess
import sys
from pathlib import Path
from typing import Callable

import plans

ROOT = Path(__file__).resolve().parents[2]
OURS = ROOT / "tests" / "servers"
sys.path.insert(0, str(ROOT / "tests"))
import packages  # noqa: E402

BOTH = ("handshake", "stateless")
HANDSHAKE = ("handshake",)
STATELESS = ("stateless",)
PORT = "{port}"


@dataclasses.dataclass
class Server:
    name: str
    plan: Callable
    # The command line; `{port}` in it makes this an HTTP server.
    command: Callable
    # What it speaks: without a gateway, a client must speak it too.
    eras: tuple = HANDSHAKE
    env: dict = dataclasses.field(default_factory=dict)
    prepare: Callable = lambda cell: None
    path: str = "/mcp"

    @property
    def http(self):
        return self.name.endswith("-http")


def node(package, script, *arguments, preload=None):
    """A server from npm, by the file that its package names as its command."""

    def command(cell):
        file = packages.folder(package) / "node_modules" / "@modelcontextprotocol" / f"server-{package}" / script
        first = [str(packages.node() / "node")] + (["--import", str(preload)] if preload else [])
        return first + [str(file)] + [str(argument).replace("{root}", str(cell.root)) for argument in arguments]

    return command


def script(file, *arguments):
    """A server of ours for Node."""
    return lambda cell: [str(packages.node() / "node"), str(OURS / file), *arguments]


def python(home, *arguments):
    """A server in one of the virtual environments."""

    def command(cell):
        place = packages.folder(home) / "bin"
        first, *rest = [str(argument).replace("{root}", str(cell.root)) for argument in arguments]
        return [str(place / first) if "/" not in first else first, *rest]

    return command


def repository(cell):
    """A git repository with one commit and one new file."""
    home = cell.root / "repository"
    who = ["-c", "user.name=Tests", "-c", "user.email=tests@localhost", "-c", "commit.gpgsign=false"]
    home.mkdir()
    env = {**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"}
    for line in (["init", "-q", "-b", "main"], [*who, "commit", "-q", "--allow-empty", "-m", "the first commit"]):
        subprocess.run(["git", *line], cwd=home, env=env, check=True)
    (home / "new.txt").write_text("new", encoding="utf-8")


def fixture(*arguments):
    return lambda cell: [str(cell.tools.fixture), *arguments, "--page-size", "7"]


SERVERS = [
    Server("everything", plans.everything, node("everything", "dist/index.js", "stdio")),
    Server(
        "everything-http",
        plans.everything,
        node("everything", "dist/index.js", "streamableHttp", preload=OURS / "loopback.mjs"),
        env={"PORT": PORT},
    ),
    Server("filesystem", plans.filesystem, node("filesystem", "dist/index.js", "{root}")),
    Server(
        "memory", plans.memory, node("memory", "dist/index.js"), env={"MEMORY_FILE_PATH": "{root}/memory.jsonl"}
    ),
    Server("sequential-thinking", plans.thinking, node("sequential-thinking", "dist/index.js")),
    Server("time", plans.clock, python("pyservers", "mcp-server-time"), BOTH),
    Server(
        "git",
        plans.git,
        python("pyservers", "mcp-server-git", "--repository", "{root}/repository"),
        BOTH,
        prepare=repository,
    ),
    Server("fetch", plans.fetch, python("pyservers", "mcp-server-fetch", "--allow-private-ips"), BOTH),
    Server("fixture", plans.fixture, fixture("--stdio"), BOTH),
    Server("fixture-http", plans.fixture, fixture("--http", PORT), BOTH),
    Server("handshake-only", plans.fixture, fixture("--stdio", "--era", "handshake"), HANDSHAKE),
    Server("handshake-only-http", plans.fixture, fixture("--http", PORT, "--era", "handshake"), HANDSHAKE),
    Server("stateless-only", plans.fixture, fixture("--stdio", "--era", "stateless"), STATELESS),
    Server("stateless-only-http", plans.fixture, fixture("--http", PORT, "--era", "stateless"), STATELESS),
    Server("demo1", plans.demo, python("py1", "python", OURS / "demo1.py")),
    Server("demo1-http", plans.demo, python("py1", "python", OURS / "demo1.py", PORT)),
    Server("demo2", plans.demo, python("py2", "python", OURS / "demo2.py"), BOTH),
    Server("demo2-http", plans.demo, python("py2", "python", OURS / "demo2.py", PORT), BOTH),
    # A server that the gateway starts gets little of its environment.
    Server("demo3", plans.demo, script("demo3.mjs"), STATELESS, {"PORTOLAN_TEST_CACHE": str(packages.cache())}),
    Server("demo3-http", plans.demo, script("demo3.mjs", PORT), STATELESS),
]
