"""Plays a plan with the official Python client: `python py.py <plan.json`, in a virtual environment with `mcp` 1.x or 2.x.

The answer is one JSON object on stdout; see ../matrix/plans.py for what a plan is. Nothing is judged here.
"""

import contextlib
import importlib.metadata
import json
import sys
import warnings
from pathlib import Path

import anyio
import mcp.types as types
from mcp import StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client

NEWER = importlib.metadata.version("mcp").startswith("2.")
PATIENCE = 10
# Others may have to get there first.
PAUSE = 30

if NEWER:
    # What the newest revision deprecates is still spoken by everybody else.
    warnings.simplefilter("ignore")


class Heard:
    """What the server said without being asked, and what it asked."""

    def __init__(self):
        self.changed = self.updated = 0
        self.message, self.asked = [], []
        self.awaited = {"changed": 0, "updated": 0, "message": 0}

    def count(self, what):
        return len(self.message) if what == "message" else getattr(self, what)

    def note(self, note):
        # 1.x wraps notifications in a union's root model.
        method = getattr(getattr(note, "root", note), "method", None)
        if method == "notifications/tools/list_changed":
            self.changed += 1
        elif method == "notifications/resources/updated":
            self.updated += 1


def plain(model):
    """A result as the JSON it was on the wire."""
    return model.model_dump(by_alias=True, mode="json", exclude_none=True)


def callbacks(plan, heard):
    answers = plan["answers"]

    async def sample(context, params):
        heard.asked.append("sample")
        content = types.TextContent(type="text", text=answers["sample"])
        return types.CreateMessageResult(role="assistant", content=content, model="none")

    async def elicit(context, params):
        heard.asked.append("elicit")
        return types.ElicitResult(action="accept", content=answers["elicit"])

    async def roots(context):
        heard.asked.append("roots")
        return types.ListRootsResult(roots=[types.Root(uri=uri, name="root") for uri in answers["roots"]])

    async def log(params):
        heard.message.append(params.data)

    async def note(message):
        heard.note(message)

    return {
        "sampling_callback": sample,
        "elicitation_callback": elicit,
        "list_roots_callback": roots,
        "logging_callback": log,
        "message_handler": note,
    }


@contextlib.asynccontextmanager
async def connected(plan, heard):
    """(client, version, server) whatever the SDK's major version."""
    to, given = plan["target"], callbacks(plan, heard)
    if "url" in to:
        transport = streamable_http_client(to["url"])
    else:
        transport = stdio_client(StdioServerParameters(command=to["command"], args=to["args"], env=to.get("env")))
    if NEWER:
        from mcp import Client

        mode = "auto" if plan["era"] == "stateless" else "legacy"
        async with Client(transport, mode=mode, log_level="debug", **given) as client:
            info = client.server_info
            yield client, client.protocol_version, plain(info) if info else None
    else:
        from mcp import ClientSession

        async with transport as (read, write, *_), ClientSession(read, write, **given) as session:
            result = await session.initialize()
            yield session, result.protocolVersion, plain(result.serverInfo)


async def pages(method, member):
    found, cursor = [], None
    while True:
        if NEWER:
            page = plain(await method(cursor=cursor))
        else:
            page = plain(await method(params=types.PaginatedRequestParams(cursor=cursor)))
        found += page[member]
        cursor = page.get("nextCursor")
        if cursor is None:
            return found


class Player:
    def __init__(self, plan, heard, client, stack):
        self.plan, self.heard, self.client, self.stack = plan, heard, client, stack
        self.stateless = plan["era"] == "stateless"
        self.kept = {}

    async def another(self, what, than):
        with anyio.fail_after(PATIENCE):
            while self.heard.count(what) <= than:
                await anyio.sleep(0.005)

    async def tools(self, step):
        while True:
            before = self.heard.changed
            tools = await pages(self.client.list_tools, "tools")
            if "until" not in step or any(tool["name"] == step["until"] for tool in tools):
                return tools
            await self.another("changed", before)

    async def prompts(self, step):
        return await pages(self.client.list_prompts, "prompts")

    async def resources(self, step):
        return await pages(self.client.list_resources, "resources")

    async def templates(self, step):
        return await pages(self.client.list_resource_templates, "resourceTemplates")

    async def call(self, step):
        seen = []
        # What is awaited after a call is what happens from here on.
        self.heard.awaited = {what: self.heard.count(what) for what in self.heard.awaited}

        async def progress(done, total, message):
            seen.append(done)

        arguments = {key: self.meant(value) for key, value in step.get("arguments", {}).items()}
        result = plain(await self.client.call_tool(step["name"], arguments, progress_callback=progress))
        if "keep" in step:
            self.kept["{%s}" % step["keep"]] = (result.get("structuredContent") or {}).get(step["keep"])
        return {**result, "progress": seen}

    def meant(self, value):
        return self.kept.get(value, value) if isinstance(value, str) else value

    async def cancel(self, step):
        begun, results = anyio.Event(), []

        async def progress(done, total, message):
            begun.set()

        async def request():
            arguments = step.get("arguments", {})
            results.append(await self.client.call_tool(step["name"], arguments, progress_callback=progress))

        # 1.x forgets a request without telling the server, which is then its user's affair.
        unnamed = None if NEWER else self.client._request_id
        async with anyio.create_task_group() as group:
            group.start_soon(request)
            with anyio.fail_after(PATIENCE):
                await begun.wait()
            group.cancel_scope.cancel()
        if unnamed is not None:
            params = types.CancelledNotificationParams(requestId=unnamed, reason="nobody wants to know any more")
            note = types.CancelledNotification(method="notifications/cancelled", params=params)
            await self.client.send_notification(types.ClientNotification(note))
        return {"cancelled": not results}

    async def prompt(self, step):
        return plain(await self.client.get_prompt(step["name"], step.get("arguments")))

    async def read(self, step):
        return plain(await self.client.read_resource(step["uri"]))

    async def complete(self, step):
        ref = step["ref"]
        if ref["type"] == "ref/prompt":
            kind = types.PromptReference(type="ref/prompt", name=ref["name"])
        else:
            kind = types.ResourceTemplateReference(type="ref/resource", uri=ref["uri"])
        return plain(await self.client.complete(kind, step["argument"]))

    async def level(self, step):
        if not self.stateless:
            await self.client.set_logging_level(step["level"])

    async def watch(self, step):
        uri = step.get("uri")
        if self.stateless:
            uris = [uri] if uri else []
            listening = self.client.listen(tools_list_changed=True, resource_subscriptions=uris)
            events = await self.stack.enter_async_context(listening)
            group = await self.stack.enter_async_context(anyio.create_task_group())
            self.stack.callback(group.cancel_scope.cancel)

            async def hear():
                async for event in events:
                    if "Tools" in type(event).__name__:
                        self.heard.changed += 1
                    else:
                        self.heard.updated += 1

            # The session's handler hears the same notifications: they must not count twice.
            self.heard.note = lambda note: None
            group.start_soon(hear)
        elif uri:
            await self.client.subscribe_resource(uri)

    async def pause(self, step):
        # By its name it is there as a whole.
        Path(step["at"] + ".new").write_text(json.dumps(self.kept), encoding="utf-8")
        Path(step["at"] + ".new").rename(step["at"] + ".here")
        with anyio.fail_after(PAUSE):
            while not Path(step["at"] + ".go").exists():
                await anyio.sleep(0.005)

    async def until(self, step):
        await self.another(step["what"], self.heard.awaited[step["what"]])
        return self.heard.count(step["what"])


async def main():
    plan, heard, results = json.load(sys.stdin), Heard(), []
    async with connected(plan, heard) as (client, version, server), contextlib.AsyncExitStack() as stack:
        player = Player(plan, heard, client, stack)
        for step in plan["steps"]:
            verb = {"await": "until"}.get(step["do"], step["do"])
            try:
                results.append({"value": await getattr(player, verb)(step)})
            except Exception as error:
                results.append({"error": f"{type(error).__name__}: {error}"})
                if not step.get("may_fail"):
                    break
    said = {"changed": heard.changed, "updated": heard.updated, "message": heard.message, "asked": heard.asked}
    print(json.dumps({"server": server, "version": version, "results": results, "heard": said}))


anyio.run(main)
