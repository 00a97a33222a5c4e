"""A small server on the Python SDK 1.x, the way its users write them: two numbers, a greeting, a
question, a tool that comes later, and one that has to be stopped.

    python demo1.py            over stdio
    python demo1.py PORT       over streamable HTTP on 127.0.0.1
"""

import sys

import anyio
from mcp.server.fastmcp import Context, FastMCP
from pydantic import BaseModel

mcp = FastMCP("Demo", host="127.0.0.1", port=int(sys.argv[1]) if len(sys.argv) > 1 else 0)


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
    await ctx.session.send_tool_list_changed()
    return "grown"


class Person(BaseModel):
    name: str


@mcp.tool()
async def ask(ctx: Context) -> str:
    """Ask who is there"""
    answer = await ctx.elicit("Who is there?", Person)
    return f"Hello, {answer.data.name}!"


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


mcp.run(transport="streamable-http" if len(sys.argv) > 1 else "stdio")
