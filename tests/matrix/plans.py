"""What each server is asked, and what a right answer is.

A plan is a list of steps. A client (../clients, and `portolan-rmcp-client`) gets the steps as JSON, plays them in
order and returns one result each; it judges nothing. Here is what is right. The steps:

    tools, prompts, resources, templates     every page of that list; `until`: again after each change that is told of,
                                             until a tool of that name is among them
    call      name, arguments, level         a tool call; the result has `progress` added, the steps of progress heard.
                                             `level` asks for log messages where they are asked for per request
    cancel    name, arguments                the same, taken back once it has reported progress; says how it ended
    prompt    name, arguments
    read      uri
    complete  ref, argument
    level     level                          the session's log level, in the era that has sessions
    watch     uri                            list changes, and updates of that resource
    await     what                           another `changed`, `updated` or `message` since the last call began
    pause     at                             writes the file `at`.here, with what it keeps as JSON, and goes on when
                                             there is a file `at`.go

A `call` may `keep` a member of its structured content: where an argument of a later call is the text `{that member}`,
the value stands in its place. What `may_fail` does not end the play.
"""

import dataclasses
import json
from typing import Callable


@dataclasses.dataclass
class Step:
    do: str
    # Says what is wrong with a result, or nothing.
    wrong: Callable = lambda value: None
    given: dict = dataclasses.field(default_factory=dict)
    # Can be played by a client that connects anew for every step.
    alone: bool = True

    def wire(self):
        return {"do": self.do, **self.given}

    def name(self):
        what = self.given.get("name") or self.given.get("uri") or self.given.get("what") or ""
        return f"{self.do} {what}".strip()


def text(value):
    """All text of a tool's result."""
    return "\n".join(block.get("text", "") for block in value.get("content", []))


def lists(*names, key="name"):
    """A list has these, and no name twice."""

    def wrong(value):
        found = [item[key] for item in value]
        missing = [name for name in names if name not in found]
        if missing:
            return f"{missing} not among {found}"
        if len(set(found)) != len(found):
            return f"something is listed twice: {found}"

    return wrong


def lacks(name):
    return lambda value: f"{name} is listed" if name in [item["name"] for item in value] else None


def says(*parts):
    """The text of a tool's result has all of these; and it is no error."""

    def wrong(value):
        if value.get("isError"):
            return f"the tool failed: {text(value)}"
        missing = [part for part in parts if part not in text(value)]
        return f"{missing} not in {text(value)!r}" if missing else None

    return wrong


def structured(expected, *parts):
    """The structured content has these members, and the text these parts."""

    def wrong(value):
        content = value.get("structuredContent") or {}
        for key, item in expected.items():
            if content.get(key) != item:
                return f"structuredContent.{key} is {content.get(key)!r}, not {item!r}"
        return says(*parts)(value)

    return wrong


def progress(*steps, then):
    """Progress was heard in these steps before the result.

    The TypeScript clients stop listening when the result is read, and read all that is there at once: the last step
    gets lost in them when it arrives together with the result.
    """

    def wrong(value):
        if value["progress"] not in (list(steps), list(steps[:-1])):
            return f"progress was {value['progress']}, not {list(steps)}"
        return then(value)

    return wrong


def holds(*parts):
    """Somewhere in the result stands each of these."""

    def wrong(value):
        whole = json.dumps(value, ensure_ascii=False)
        missing = [part for part in parts if part not in whole]
        return f"{missing} not in {whole[:300]}" if missing else None

    return wrong


def tools(wrong, alone=True, until=None):
    return Step("tools", wrong, {"until": until} if until else {}, alone)


def call(name, wrong, arguments=None, alone=True, level=None):
    given = {"name": name, "arguments": arguments or {}}
    if level:
        given["level"] = level
    return Step("call", wrong, given, alone)


def cancel(name, arguments=None):
    def wrong(value):
        return None if value["cancelled"] else f"a call that was taken back had a result: {value}"

    return Step("cancel", wrong, {"name": name, "arguments": arguments or {}}, alone=False)


def read(uri, wrong, alone=True):
    return Step("read", wrong, {"uri": uri}, alone)


def prompt(name, wrong, arguments=None, alone=True):
    return Step("prompt", wrong, {"name": name, "arguments": arguments or {}}, alone)


def wait(what):
    return Step("await", given={"what": what}, alone=False)


def watch(uri=None):
    return Step("watch", given={"uri": uri} if uri else {}, alone=False)


def level(which):
    return Step("level", given={"level": which}, alone=False)


def grows(sums):
    """The story of a server that learns to multiply while a client looks on."""
    return [
        watch(),
        tools(lists("add", "grow")),
        call("add", sums(8), {"a": 5, "b": 3}),
        Step("templates", lists("greeting://{name}", key="uriTemplate")),
        read("greeting://Alice", holds("Hello, Alice!")),
        tools(lacks("multiply"), alone=False),
        call("grow", says(), alone=False),
        wait("changed"),
        tools(lists("multiply"), alone=False, until="multiply"),
        call("multiply", sums(15), {"a": 5, "b": 3}, alone=False),
        call("ask", says("Hello, Alice!"), alone=False),
        *lingers(),
    ]


def lingers():
    """A call that is taken back, and the question whether the server knows."""
    return [cancel("linger"), call("lingered", says("1 began, 1 cancelled"), alone=False)]


def demo(cell):
    return grows(lambda result: structured({"result": result}, str(result)))


def fixture(cell):
    watched = "test://watched-resource"
    prompts = ["test_simple_prompt", "test_prompt_with_arguments", "test_prompt_with_image"]
    return [
        tools(lists("echo", "add", "grow", "json_schema_2020_12_tool", "test_x_mcp_header")),
        call("echo", says("über 1024 Wörter"), {"text": "über 1024 Wörter"}),
        call("add", structured({"result": 8}, "8"), {"a": 5, "b": 3}),
        call("test_x_mcp_header", says("region=eu"), {"region": "eu"}),
        call("test_error_handling", lambda value: None if value.get("isError") else "the error got lost"),
        Step("prompts", lists(*prompts)),
        prompt("test_prompt_with_arguments", holds("arg1='a', arg2='b'"), {"arg1": "a", "arg2": "b"}),
        prompt("test_prompt_with_image", holds("image/png")),
        Step("resources", lists("test://static-text", "test://static-binary", watched, key="uri")),
        Step("templates", lists("greeting://{name}", "test://template/{id}/data", key="uriTemplate")),
        read("test://static-binary", holds("iVBORw0KGgo")),
        read("greeting://Alice", holds("Hello, Alice!")),
        Step(
            "complete",
            holds("Alice", "Alan"),
            {"ref": {"type": "ref/resource", "uri": "greeting://{name}"}, "argument": {"name": "name", "value": "Al"}},
            alone=False,
        ),
        call("test_tool_with_progress", progress(0, 50, 100, then=says("three times")), alone=False),
        level("debug"),
        call("test_tool_with_logging", says("Three"), level="debug", alone=False),
        wait("message"),
        call("test_sampling", says("a model said this"), {"prompt": "say something"}, alone=False),
        call("test_elicitation", says("Alice"), {"message": "who?"}, alone=False),
        call("test_input_required_result_list_roots", says(cell.root_uri), alone=False),
        call("test_input_required_result_multi_round", says("Alice likes blue"), alone=False),
        prompt("test_input_required_result_prompt", holds("Use this context: charts"), alone=False),
        *lingers(),
        watch(watched),
        call("grow", says(), alone=False),
        wait("changed"),
        tools(lists("multiply"), alone=False, until="multiply"),
        call("multiply", structured({"result": 15}, "15"), {"a": 5, "b": 3}, alone=False),
        call("touch", says("Touched"), alone=False),
        wait("updated"),
        read(watched, holds("Touched 1 times"), alone=False),
    ]


def everything(cell):
    watched = "demo://resource/dynamic/text/1"
    asking = ["get-roots-list", "trigger-elicitation-request", "trigger-sampling-request"]
    asked = asking if cell.client.answers else []
    # It says this beside its answers: over HTTP nothing tells that it belongs to the one request that wanted to hear.
    unheard = cell.era == "stateless" and cell.server.http
    return [
        watch(),
        # Those that ask something are added once the server knows the client.
        tools(lists("echo", "get-sum", *asked), until=asked[-1] if asked else None),
        call("echo", says("Echo: hello"), {"message": "hello"}),
        call("get-sum", says("The sum of 5 and 3 is 8."), {"a": 5, "b": 3}),
        call("get-structured-content", structured({"humidity": 82}), {"location": "Chicago"}),
        call("get-tiny-image", holds("image/png")),
        Step("prompts", lists("simple-prompt", "args-prompt", "completable-prompt", "resource-prompt")),
        prompt("args-prompt", holds("Paris"), {"city": "Paris"}),
        Step("resources", lists("features.md", "instructions.md")),
        Step("templates", lists("demo://resource/dynamic/text/{resourceId}", key="uriTemplate")),
        read(watched, holds("Resource 1")),
        Step(
            "complete",
            holds("Engineering"),
            {
                "ref": {"type": "ref/prompt", "name": "completable-prompt"},
                "argument": {"name": "department", "value": "E"},
            },
            alone=False,
        ),
        call(
            "trigger-long-running-operation",
            progress(1, 2, 3, 4, then=says("completed")),
            {"duration": 0.4, "steps": 4},
            alone=False,
        ),
        # It goes on working and reporting, and nobody may hear of it; the next one ends later than that.
        cancel("trigger-long-running-operation", {"duration": 2, "steps": 10}),
        call("trigger-long-running-operation", says("completed"), {"duration": 2, "steps": 1}, alone=False),
        level("debug"),
        call("toggle-simulated-logging", says("Started"), level="debug", alone=False),
        *([] if unheard else [wait("message")]),
        call("toggle-simulated-logging", says("Stopped"), alone=False),
        call("trigger-sampling-request", says("a model said this"), {"prompt": "say something"}, alone=False),
        call("trigger-elicitation-request", says("Name: Alice"), alone=False),
        call("get-roots-list", says(cell.root_uri), alone=False),
        watch(watched),
        call("toggle-subscriber-updates", says("Started"), alone=False),
        wait("updated"),
        call("toggle-subscriber-updates", says("Stopped"), alone=False),
    ]


def filesystem(cell):
    note = str(cell.root / "note.txt")
    return [
        tools(lists("read_text_file", "write_file", "list_directory", "list_allowed_directories")),
        call("list_allowed_directories", says(str(cell.root))),
        call("write_file", says("note.txt"), {"path": note, "content": "five\nthree\n"}),
        call("read_text_file", says("five\nthree"), {"path": note}),
        call("list_directory", says("[FILE] note.txt"), {"path": str(cell.root)}),
        call(
            "read_text_file",
            lambda value: None if value.get("isError") else "a file outside of the root was read",
            {"path": "/etc/hostname"},
        ),
    ]


def memory(cell):
    alice = {"name": "Alice", "entityType": "person", "observations": ["likes charts"]}
    return [
        tools(lists("create_entities", "read_graph", "search_nodes")),
        call("create_entities", holds("Alice"), {"entities": [alice]}),
        call("search_nodes", holds("likes charts"), {"query": "charts"}),
        call("read_graph", holds("Alice", "person")),
    ]


def thinking(cell):
    thought = {"thought": "five and three", "nextThoughtNeeded": False, "thoughtNumber": 1, "totalThoughts": 1}
    return [
        tools(lists("sequentialthinking")),
        call("sequentialthinking", holds("thoughtNumber", "nextThoughtNeeded"), thought),
    ]


def clock(cell):
    there = {"source_timezone": "Etc/UTC", "time": "12:00", "target_timezone": "Asia/Tokyo"}
    return [
        tools(lists("get_current_time", "convert_time")),
        call("get_current_time", says("Etc/UTC", "datetime"), {"timezone": "Etc/UTC"}),
        call("convert_time", says("Asia/Tokyo", "21:00"), there),
    ]


def git(cell):
    repository = {"repo_path": str(cell.root / "repository")}
    return [
        tools(lists("git_status", "git_log", "git_diff")),
        call("git_status", says("On branch", "new.txt"), repository),
        call("git_log", says("the first commit"), repository),
    ]


def fetch(cell):
    return [
        tools(lists("fetch")),
        call("fetch", says("A page about portolans"), {"url": cell.page}),
        Step("prompts", lists("fetch")),
        prompt("fetch", holds("A page about portolans"), {"url": cell.page}),
    ]
