// An MCP server whose tool comes with a page that ChatGPT shows. `npm install`, then `node server.ts`.

import { readFileSync } from "node:fs";

import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import { z } from "zod";

const PAGE = "ui://widget/greeting.html";
const html = readFileSync(new URL("./greeting.html", import.meta.url), "utf8");

const server = new McpServer({ name: "{{name}}", version: "0.1.0" });

server.registerResource("greeting", PAGE, { mimeType: "text/html+skybridge" }, async () => ({
  contents: [{ uri: PAGE, mimeType: "text/html+skybridge", text: html }],
}));

server.registerTool(
  "greet",
  {
    title: "Greet",
    description: "Greets somebody by name.",
    inputSchema: { name: z.string().describe("Whom to greet") },
    annotations: { readOnlyHint: true },
    _meta: { "openai/outputTemplate": PAGE },
  },
  async ({ name }) => ({
    content: [{ type: "text", text: `Hello, ${name}!` }],
    structuredContent: { greeting: `Hello, ${name}!` },
  }),
);

await server.connect(new StdioServerTransport());
