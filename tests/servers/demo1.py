"""A small server on the Python SDK 1.x, the way its users write them: two numbers, a greeting, and a tool that comes later.

    python demo1.py            over stdio
    python demo1.py PORT       over streamable HTTP on 127.0.0.1
"""

import sys

from mcp.server.fastmcp import Context, FastMCP

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


mcp.run(transport="streamable-http" if len(sys.argv) > 1 else "stdio")
