// An MCP server over standard input and output. `npm install`, then `node server.ts`.

import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import { z } from "zod";

const server = new McpServer({ name: "{{name}}", version: "0.1.0" });

server.registerTool(
  "greet",
  {
    title: "Greet",
    description: "Greets somebody by name.",
    inputSchema: { name: z.string().describe("Whom to greet") },
    annotations: { readOnlyHint: true },
  },
  async ({ name }) => ({ content: [{ type: "text", text: `Hello, ${name}!` }] }),
);

await server.connect(new StdioServerTransport());
