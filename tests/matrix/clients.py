"""The clients of the matrix: which eras they speak, and how each is made to play a plan."""

import dataclasses
import json
import subprocess
from typing import Callable

from servers import BOTH, HANDSHAKE, ROOT, packages
from cells import Failed

OURS = ROOT / "tests" / "clients"


@dataclasses.dataclass
class Client:
    name: str
    eras: tuple
    play: Callable
    # Says what it can do, and answers when asked.
    answers: bool = True
    # Connects anew for every step.
    once: bool = False


def run(line, cell, given=None, timeout=60, fine=(0,)):
    """A client process to its end; what it prints is its answer."""
    try:
        done = subprocess.run(
            line, input=given, env=cell.env(), cwd=cell.home, capture_output=True, text=True, timeout=timeout
        )
    except subprocess.TimeoutExpired as late:
        cell.log("client.log", (late.stderr or b"").decode(errors="replace"))
        raise Failed(f"no end after {timeout} s") from None
    cell.log("client.log", done.stderr)
    if done.returncode not in fine:
        raise Failed(f"exit {done.returncode}: {done.stderr.strip()[-400:]}")
    return done.stdout


def script(line):
    """A client of ours that takes the whole plan."""

    def play(cell, target, steps):
        plan = {"target": target, "era": cell.era, "answers": cell.answers(), "steps": [step.wire() for step in steps]}
        return json.loads(run(line(cell), cell, json.dumps(plan)))

    return play


def typescript(kind):
    packages_of = lambda cell: packages.folder(kind)

    def line(cell):
        packages_of(cell)
        return [str(packages.node() / "node"), str(OURS / "ts.mjs"), kind]

    return line


def python(home):
    return lambda cell: [str(packages.folder(home) / "bin" / "python"), str(OURS / "py.py")]


def inspector(cell, target, steps):
    """The Inspector's command line: one process, and one connection, per step."""
    home = packages.folder("inspector") / "node_modules" / "@modelcontextprotocol" / "inspector"
    manifest = json.loads((home / "package.json").read_text(encoding="utf-8"))
    command = manifest["bin"]["mcp-inspector"] if isinstance(manifest["bin"], dict) else manifest["bin"]
    first = [str(packages.node() / "node"), str(home / command), "--cli"]
    era = ["--protocol-era", "modern" if cell.era == "stateless" else "legacy", "--format", "json", "--quiet"]
    if "url" in target:
        to = ["--transport", "http", "--server-url", target["url"]]
    else:
        # From a file, as people give it one: on its command line it would take the server's flags for its own.
        config = cell.home / "inspector.json"
        config.write_text(json.dumps({"mcpServers": {"it": target}}), encoding="utf-8")
        to = ["--config", str(config), "--server", "it"]
    results = []
    for step in steps:
        # It ends with 5 when a tool says that it failed.
        out = run([*first, *to, *era, *method(step)], cell, timeout=40, fine=(0, 5))
        try:
            answer = json.loads(out)
        except ValueError:
            raise Failed(f"{step.name()}: no JSON but {out[-400:]!r}") from None
        # With --format json the result stands in an envelope.
        answer = answer.get("result", answer)
        member = {"tools": "tools", "prompts": "prompts", "resources": "resources", "templates": "resourceTemplates"}
        value = answer[member[step.do]] if step.do in member else {**answer, "progress": []}
        results.append({"value": value})
    return {"server": None, "version": None, "results": results, "heard": {"asked": []}}


def method(step):
    """One step as the Inspector's arguments."""
    pairs = [f"{key}={value}" for key, value in (step.given.get("arguments") or {}).items()]
    match step.do:
        case "tools" | "prompts" | "resources":
            return ["--method", f"{step.do}/list"]
        case "templates":
            return ["--method", "resources/templates/list"]
        case "call":
            arguments = json.dumps(step.given["arguments"])
            return ["--method", "tools/call", "--tool-name", step.given["name"], "--tool-args-json", arguments]
        case "prompt":
            return ["--method", "prompts/get", "--prompt-name", step.given["name"]] + (
                ["--prompt-args", *pairs] if pairs else []
            )
        case "read":
            return ["--method", "resources/read", "--uri", step.given["uri"]]
    raise Failed(f"the Inspector cannot {step.name()}")


CLIENTS = [
    Client("ts1", HANDSHAKE, script(typescript("ts1"))),
    Client("ts2", BOTH, script(typescript("ts2"))),
    Client("py1", HANDSHAKE, script(python("py1"))),
    Client("py2", BOTH, script(python("py2"))),
    Client("rmcp", BOTH, script(lambda cell: [str(cell.tools.rmcp_client)])),
    Client("inspector", BOTH, inspector, answers=False, once=True),
]
