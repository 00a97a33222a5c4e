"""What two clients do at once with the gateway's own tools, and what a right answer is. Steps are those of ../matrix/plans.py.

`one` finds a clock and a memory, `two` a clock and a folder of notes; the clock and `everything` are the same entries for
both, and differently configured. Between the steps both wait until the runner has looked at the processes.
"""

from plans import Step, call, holds, says, text, tools, wait

MENU = {"mcp-find", "mcp-add", "mcp-config-set", "mcp-remove", "mcp-exec", "code-mode"}
# What each of the two finds: query, server, a tool of it.
ERRANDS = {
    "one": ("remember facts about people in a knowledge graph", "memory", "read_graph"),
    "two": ("read the text files of a folder", "notes", "list_allowed_directories"),
}
# A script of each over the clock, what it has found, and a server that it has not added: what it is to give.
SCRIPTS = {
    "one": """
        const [graph, clock_, log] = await Promise.all([
            memory.read_graph({}),
            clock.get_current_time({ timezone: 'Asia/Tokyo' }),
            repo.git_log({ repo_path: ROOT, max_count: 1 }),
        ]);
        const first = /the first commit/.exec(log)[0];
        return await everything.echo({ message: `${typeof graph.entities} in ${clock_.timezone}, ${first}` });
    """,
    "two": """
        const path = ROOT + '/three.txt';
        await notes.write_file({ path, content: 'one\\ntwo\\nthree' });
        const [read, clock_] = await Promise.all([notes.read_text_file({ path }), clock.get_current_time({ timezone: 'America/Lima' })]);
        const lines = (read.content ?? read).split('\\n').length;
        return await everything.echo({ message: `${lines} in ${clock_.timezone}` });
    """,
}
GIVES = {"one": "Echo: object in Asia/Tokyo, the first commit", "two": "Echo: 3 in America/Lima"}
ZONES = {"one": "Asia/Tokyo", "two": "America/Lima"}


def catalog(clock, memory, notes, everything, repo, mark):
    """The test's own catalog: these command lines, as entries."""
    env = {"PORTOLAN_TEST_CELL": mark}

    def entry(line, description, **more):
        return {"command": line[0], "args": line[1:], "description": description, "env": env, **more}

    text_value = {"type": "string"}
    return {
        "catalog": "real",
        "servers": {
            "clock": entry(
                clock,
                "Tells the current time in a timezone, and converts times between them.",
                config={"zone": {**text_value, "default": "UTC"}},
                env={**env, "TZ": "{{zone}}"},
            ),
            "memory": entry(memory, "Remembers facts about people and things as a knowledge graph."),
            "notes": entry(
                [*notes, "{{root}}"],
                "Reads and writes the text files of one folder.",
                config={"type": "object", "properties": {"root": text_value}, "required": ["root"]},
                volumes=["{{root|volume}}"],
            ),
            "repo": entry(
                [*repo, "--repository", "{{root}}"],
                "Reads the history of one git repository.",
                config={"type": "object", "properties": {"root": text_value}, "required": ["root"]},
                volumes=["{{root|volume}}:ro"],
            ),
            "everything": entry(
                everything,
                "Echoes and exercises every feature of the protocol.",
                config={"colour": {"type": "string", "enum": ["red", "blue"]}},
                env={**env, "COLOUR": "{{colour}}"},
            ),
        },
    }


def names(value):
    return {tool["name"] for tool in value}


def exactly(expected):
    """The list has these tools and no others."""
    return lambda value: f"{sorted(names(value) ^ expected)} too many or too few" if names(value) != expected else None


def sees(own, foreign):
    """The menu and the own tool are listed, the other client's is not."""

    def wrong(value):
        found = names(value)
        if not {*MENU, own} <= found:
            return f"{sorted({*MENU, own} - found)} not listed"
        return f"sees {foreign}, which is the other client's" if foreign in found else None

    return wrong


def finds(server, state):
    def wrong(value):
        if value.get("isError"):
            return text(value)
        found = {one["name"]: one["state"] for one in value["structuredContent"]["servers"]}
        return None if found.get(server) == state else f"{server} is not found as {state}, but {found}"

    return wrong


def active(server, tool, *parts):
    """The server has been added: its tools come as whole definitions, with these words in that one."""

    def wrong(value):
        if value.get("isError"):
            return text(value)
        facts = value["structuredContent"]
        if (facts["server"], facts["state"]) != (server, "active") or len(facts["workspace"]) < 20:
            return f"{facts['server']} is {facts['state']} in {facts['workspace']!r}"
        definition = next((one for one in facts["tools"] if one["name"] == tool), {})
        return holds("inputSchema", *parts)(definition)

    return wrong


def refused(*parts):
    def wrong(value):
        if not value.get("isError"):
            return f"was not refused: {text(value)}"
        missing = [part for part in parts if part not in text(value)]
        return f"{missing} not in {text(value)!r}" if missing else None

    return wrong


def facts(**members):
    """Something that worked, and these members of its structured content."""

    def wrong(value):
        if value.get("isError"):
            return text(value)
        found = value["structuredContent"]
        return None if members.items() <= found.items() else f"{found} has not {members}"

    return wrong


def visit(who):
    """The steps of somebody who connects to the workspace of one of the two, by its address."""
    other = "two" if who == "one" else "one"
    yield tools(sees(ERRANDS[who][2], ERRANDS[other][2]))
    yield call("get_current_time", says("Europe/Paris"), {"timezone": "Europe/Paris"})


def plan(who, era, folder):
    """The steps of one of the two."""
    is_native = era == "handshake"
    other = "two" if who == "one" else "one"
    query, server, tool = ERRANDS[who]
    zone, foreign = ZONES[who], ERRANDS[other][2]
    colour = {"one": "red", "two": "blue"}[who]

    def here(**arguments):
        return {**arguments, "workspace": "{workspace}"}

    def add(name, wrong, **arguments):
        step = call("mcp-add", wrong, {"name": name, **arguments})
        step.given["keep"] = "workspace"
        return step

    def run(name, wrong, arguments, server=None):
        """As this era calls tools that were added."""
        if is_native and not server:
            return call(name, wrong, arguments)
        outer = {"name": name, "arguments": arguments, **({"server": server} if server else {})}
        return call("mcp-exec", wrong, here(**outer))

    def listed(own):
        """Native tools in one era; a list that stays as it was in the other."""
        if not is_native:
            return [tools(exactly(MENU))]
        return [wait("changed"), tools(sees(own, foreign), until=own)]

    def fails(step):
        step.given["may_fail"] = True
        return step

    def pause(at):
        return Step("pause", given={"at": str(folder / f"{who}-{at}")})

    own = {"one": run("read_graph", says("entities"), {}), "two": run("list_allowed_directories", says("/root"), {})}
    yield tools(exactly(MENU))
    yield call("mcp-find", finds("clock", "ready"), {"query": "current time in another timezone"})
    yield call("mcp-find", finds(server, "ready"), {"query": query})
    yield call("mcp-add", refused("clock"), {"name": "clok"})
    yield call("mcp-add", refused("only the user may set `root`", "portolan config set notes.root"), {"name": "notes", "config": {"root": "/"}})
    yield add("clock", active("clock", "get_current_time", "UTC"))
    yield from listed("get_current_time")
    yield add(server, active(server, tool), **({} if is_native else {"workspace": "{workspace}"}))
    yield from listed(tool)
    yield pause("added")
    yield tools(sees(tool, foreign) if is_native else exactly(MENU))
    yield run("get_current_time", says("Europe/Paris"), {"timezone": "Europe/Paris"})
    yield own[who]
    # Configured while it runs: what the clock says of itself is different then, here and nowhere else.
    yield call("mcp-config-set", refused("zone"), here(server="clock", key="zone", value=7))
    yield call("mcp-config-set", facts(server="clock", new={"zone": zone}), here(server="clock", key="zone", value=zone))
    yield pause("configured")
    yield add("clock", active("clock", "get_current_time", zone), **({} if is_native else {"workspace": "{workspace}"}))
    if is_native:
        yield tools(lambda value: holds(zone)(next(one for one in value if one["name"] == "get_current_time")))
    # A ready server needs no adding; then it is configured like any other.
    yield run("echo", says("hello from " + who), {"message": "hello from " + who}, server="everything")
    yield call("mcp-config-set", facts(new={"colour": colour}), here(server="everything", config={"colour": colour}))
    yield run("get-env", says(f'"COLOUR": "{colour}"'), {}, server="everything")
    # All of it in one script, and by a tool for scripts.
    script = SCRIPTS[who].replace("ROOT", repr(str(folder / "root")))
    over = ["clock", server, "everything", *(["repo"] if who == "one" else [])]
    yield call("code-mode", facts(ok=True, result=GIVES[who]), here(code=script, servers=over))
    yield call("code-mode", refused("call it as clock.get_current_time"), here(code="await clock.get_current_time({})", servers=["clock"]))
    yield call("code-mode", facts(ok=True, result="code-mode-mine"), here(name="mine", servers=over))
    if is_native:
        yield wait("changed")
        yield tools(sees("code-mode-mine", foreign), until="code-mode-mine")
    yield run("code-mode-mine", facts(ok=True, result=GIVES[who]), {"script": script})
    yield call("mcp-remove", facts(removed=True), here(name="code-mode-mine"))
    yield call("mcp-exec", refused("no server of this workspace has a tool"), here(name=foreign))
    yield pause("used")
    for name in over:
        yield call("mcp-remove", facts(server=name, removed=True), here(name=name))
    if is_native:
        yield wait("changed")
    yield tools(exactly(MENU))
    yield call("mcp-remove", refused("is not in this workspace"), here(name="clock"))
    yield call("mcp-exec", refused("get_current_time"), here(name="get_current_time", arguments={"timezone": "UTC"}))
    yield fails(call("get_current_time", lambda value: None if value.get("isError") else "a removed tool was called", {"timezone": "UTC"}))
    yield pause("removed")
