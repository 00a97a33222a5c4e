"""An MCP server whose tool comes with a page that ChatGPT shows. `pip install .`, then `python server.py`."""

from pathlib import Path

from mcp.server.fastmcp import FastMCP
from mcp.types import ToolAnnotations
from pydantic import BaseModel

PAGE = "ui://widget/greeting.html"

server = FastMCP("{{name}}")


class Greeting(BaseModel):
    greeting: str


@server.resource(PAGE, mime_type="text/html+skybridge")
def page() -> str:
    return (Path(__file__).parent / "greeting.html").read_text(encoding="utf-8")


@server.tool(title="Greet", annotations=ToolAnnotations(readOnlyHint=True), meta={"openai/outputTemplate": PAGE})
def greet(name: str) -> Greeting:
    """Greets somebody by name."""
    return Greeting(greeting=f"Hello, {name}!")


if __name__ == "__main__":
    server.run()
