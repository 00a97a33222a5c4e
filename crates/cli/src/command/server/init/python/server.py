"""An MCP server over standard input and output. `pip install .`, then `python server.py`."""

from mcp.server.fastmcp import FastMCP
from mcp.types import ToolAnnotations

server = FastMCP("{{name}}")


@server.tool(title="Greet", annotations=ToolAnnotations(readOnlyHint=True))
def greet(name: str) -> str:
    """Greets somebody by name."""
    return f"Hello, {name}!"


if __name__ == "__main__":
    server.run()
