// An MCP server on the official SDK that lets nobody in without a token of the provider, for it.

import { once } from 'node:events';
import { createServer } from 'node:http';

import { load } from '../clients/sdk.mjs';

const { McpServer, createMcpHandler, fromJsonSchema } = await load('ts2-server', '@modelcontextprotocol/server');
const { toNodeHandler } = await load('ts2-server', '@modelcontextprotocol/node');
const { createRemoteJWKSet, jwtVerify } = await load('oidc-provider', 'jose');

function make() {
  const server = new McpServer({ name: 'cloud', version: '1.0.0' }, { capabilities: { tools: {} } });
  const inputSchema = fromJsonSchema({ type: 'object', properties: { text: { type: 'string' } } });
  server.registerTool('echo', { description: 'Say it again', inputSchema }, ({ text }) => ({
    content: [{ type: 'text', text: `${text}` }]
  }));
  return server;
}

/** Starts one; `issuer` says whose tokens count. `seen` has what came in: `shown` every token, `tokens` the good ones. */
export async function server({ issuer }) {
  const handle = toNodeHandler(createMcpHandler(make));
  const seen = { refused: 0, served: 0, tokens: new Set(), shown: new Set() };
  const http = createServer(async (request, response) => {
    const base = `http://${request.headers.host}`;
    const say = (status, headers, body) => response.writeHead(status, headers).end(body && JSON.stringify(body));
    if (request.url.startsWith('/.well-known/oauth-protected-resource')) {
      const description = { resource: `${base}/mcp`, authorization_servers: [issuer()], scopes_supported: ['mcp'] };
      return say(200, { 'content-type': 'application/json' }, description);
    }
    const token = request.headers.authorization?.replace(/^Bearer /, '');
    if (token) seen.shown.add(token);
    try {
      const keys = createRemoteJWKSet(new URL(`${issuer()}/jwks`));
      await jwtVerify(token ?? '', keys, { issuer: issuer(), audience: `${base}/mcp` });
    } catch {
      seen.refused++;
      const where = `${base}/.well-known/oauth-protected-resource/mcp`;
      return say(401, { 'www-authenticate': `Bearer scope="mcp", resource_metadata="${where}"` });
    }
    seen.tokens.add(token);
    seen.served++;
    return handle(request, response);
  }).listen(0, '127.0.0.1');
  await once(http, 'listening');
  const url = `http://127.0.0.1:${http.address().port}/mcp`;
  return { url, seen, close: () => http.closeAllConnections() || http.close() };
}
