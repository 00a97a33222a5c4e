// The same as demo1.py on the TypeScript SDK 2.x, and of the stateless era alone.
//
//   node demo3.mjs            over stdio
//   node demo3.mjs PORT       over streamable HTTP on 127.0.0.1

import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

import { load } from '../clients/sdk.mjs';

const { McpServer, ResourceTemplate, acceptedContent, createMcpHandler, fromJsonSchema, inputRequired } = await load(
  'ts2-server',
  '@modelcontextprotocol/server'
);

const port = process.argv[2];
const text = (text) => ({ content: [{ type: 'text', text }] });
const number = (result) => ({ ...text(`${result}`), structuredContent: { result } });
const object = (properties) => fromJsonSchema({ type: 'object', properties, required: Object.keys(properties) });
const numbers = object({ a: { type: 'number' }, b: { type: 'number' } });
const result = object({ result: { type: 'number' } });
const name = { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] };

// Over HTTP every request has a server of its own: what is to last is out here.
let grown = false;
let begun = 0;
let cancelled = 0;
let http;

function server() {
  const server = new McpServer(
    { name: 'Demo', version: '1.0.0' },
    { capabilities: { tools: { listChanged: true }, resources: {} } }
  );
  const multiply = () =>
    server.registerTool(
      'multiply',
      { description: 'Multiply two numbers', inputSchema: numbers, outputSchema: result },
      ({ a, b }) => number(a * b)
    );
  if (grown) multiply();
  server.registerTool(
    'add',
    { description: 'Add two numbers', inputSchema: numbers, outputSchema: result },
    ({ a, b }) => number(a + b)
  );
  server.registerTool('grow', { description: 'Learn to multiply, and tell the client' }, () => {
    grown = true;
    if (http) http.notify.toolsChanged();
    else multiply();
    return text('grown');
  });
  server.registerTool('ask', { description: 'Ask who is there' }, (context) => {
    const answer = acceptedContent(context.mcpReq.inputResponses, 'who');
    if (answer) return text(`Hello, ${answer.name}!`);
    const who = inputRequired.elicit({ message: 'Who is there?', requestedSchema: name });
    return inputRequired({ inputRequests: { who } });
  });
  server.registerTool('linger', { description: 'Work until it is cancelled' }, async ({ mcpReq }) => {
    begun++;
    const { progressToken } = mcpReq._meta;
    mcpReq.signal.addEventListener('abort', () => cancelled++);
    await mcpReq.notify({ method: 'notifications/progress', params: { progressToken, progress: 1, total: 2 } });
    await sleep(30_000, undefined, { signal: mcpReq.signal });
    return text('nobody wanted this to end');
  });
  server.registerTool('lingered', { description: 'How many calls of linger there were' }, async () => {
    for (const deadline = Date.now() + 10_000; begun > cancelled && Date.now() < deadline; ) await sleep(10);
    return text(`${begun} began, ${cancelled} cancelled`);
  });
  const greeting = new ResourceTemplate('greeting://{name}', { list: undefined });
  server.registerResource('greeting', greeting, { description: 'Greet somebody' }, (uri, { name }) => ({
    contents: [{ uri: uri.href, text: `Hello, ${name}!` }]
  }));
  return server;
}

if (port) {
  const { toNodeHandler } = await load('ts2-server', '@modelcontextprotocol/node');
  http = createMcpHandler(server, { legacy: 'reject' });
  createServer(toNodeHandler(http)).listen(Number(port), '127.0.0.1');
} else {
  const { serveStdio } = await load('ts2-server', '@modelcontextprotocol/server/stdio');
  serveStdio(server, { legacy: 'reject' });
}
