"""The same as demo1.py on the Python SDK 2.x, which speaks both eras.

    python demo2.py            over stdio
    python demo2.py PORT       over streamable HTTP on 127.0.0.1
"""

import sys
import warnings
from typing import Annotated

import anyio
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.resolve import Elicit, Resolve
from pydantic import BaseModel

# Telling handshake-era sessions of changes is deprecated, and still what they need.
warnings.simplefilter("ignore")
mcp = MCPServer("Demo")


@mcp.tool()
def add(a: int, b: int) -> int:
    """Add two numbers"""
    return a + b


@mcp.resource("greeting://{name}")
def greeting(name: str) -> str:
    """Greet somebody"""
    return f"Hello, {name}!"


def multiply(a: int, b: int) -> int:
    """Multiply two numbers"""
    return a * b


@mcp.tool()
async def grow(ctx: Context) -> str:
    """Learn to multiply, and tell the client"""
    mcp.add_tool(multiply)
    if ctx.protocol_version and ctx.protocol_version >= "2026-07-28":
        await ctx.notify_tools_changed()
    else:
        await ctx.session.send_tool_list_changed()
    return "grown"


class Person(BaseModel):
    name: str


async def who() -> Elicit[Person]:
    return Elicit("Who is there?", Person)


@mcp.tool()
async def ask(person: Annotated[Person, Resolve(who)]) -> str:
    """Ask who is there"""
    return f"Hello, {person.name}!"


begun = cancelled = 0


@mcp.tool()
async def linger(ctx: Context) -> str:
    """Work until it is cancelled"""
    global begun, cancelled
    begun += 1
    try:
        await ctx.report_progress(1, 2)
        await anyio.sleep(30)
    except anyio.get_cancelled_exc_class():
        cancelled += 1
        raise
    return "nobody wanted this to end"


@mcp.tool()
async def lingered() -> str:
    """How many calls of linger there were, once they have ended"""
    with anyio.move_on_after(10):
        while begun > cancelled:
            await anyio.sleep(0.01)
    return f"{begun} began, {cancelled} cancelled"


if len(sys.argv) > 1:
    mcp.run(transport="streamable-http", host="127.0.0.1", port=int(sys.argv[1]))
else:
    mcp.run()
