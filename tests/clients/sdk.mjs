// The two official TypeScript clients behind one small face, loaded from the tests' package cache.
// ts1 is the handshake-era SDK; ts2 is the newer client package, which speaks both eras.

import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const cache =
  process.env.PORTOLAN_TEST_CACHE ??
  join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'portolan-tests');

/** What a package exports: `home` is its folder in the cache, `name` what its users import. */
export async function load(home, name) {
  const require = createRequire(join(cache, home, 'package.json'));
  return import(pathToFileURL(require.resolve(name)).href);
}

/** What a client says it can do; `offered` in the tests' plans. */
export const capabilities = {
  elicitation: { form: { applyDefaults: true } },
  roots: { listChanged: true },
  sampling: {}
};

/**
 * Connects. `target` is `{ url, headers? }` or `{ command, args, env, cwd? }`; `handlers` may answer
 * `elicit`, `sample` and `roots`, and hears `progress`, `message`, `changed` and `updated`. With `pages` it can also lead its
 * person to a web page.
 */
export async function connect(kind, target, handlers = {}, era = 'handshake') {
  const name = { name: `portolan-tests-${kind}`, version: '1.0.0' };
  const can = handlers.pages
    ? { ...capabilities, elicitation: { ...capabilities.elicitation, url: {} } }
    : capabilities;
  let client;
  let transport;
  const on = {
    'sampling/createMessage': handlers.sample ?? (async () => sampled('a model said this')),
    'elicitation/create': handlers.elicit ?? (async () => ({ action: 'accept', content: {} })),
    'roots/list': handlers.roots ?? (async () => ({ roots: [{ uri: 'file:///tmp', name: 'tmp' }] }))
  };
  const hear = {
    'notifications/message': handlers.message,
    'notifications/tools/list_changed': handlers.changed,
    'notifications/resources/updated': handlers.updated
  };
  if (kind === 'ts1') {
    const { Client } = await load('ts1', '@modelcontextprotocol/sdk/client/index.js');
    const types = await load('ts1', '@modelcontextprotocol/sdk/types.js');
    client = new Client(name, { capabilities: can });
    client.setRequestHandler(types.CreateMessageRequestSchema, (request) => on[request.method](request));
    client.setRequestHandler(types.ElicitRequestSchema, (request) => on[request.method](request));
    client.setRequestHandler(types.ListRootsRequestSchema, (request) => on[request.method](request));
    client.setNotificationHandler(types.LoggingMessageNotificationSchema, (note) => hear[note.method]?.(note));
    client.setNotificationHandler(types.ToolListChangedNotificationSchema, (note) => hear[note.method]?.(note));
    client.setNotificationHandler(types.ResourceUpdatedNotificationSchema, (note) => hear[note.method]?.(note));
    if (target.url) {
      const { StreamableHTTPClientTransport } = await load(
        'ts1',
        '@modelcontextprotocol/sdk/client/streamableHttp.js'
      );
      transport = new StreamableHTTPClientTransport(new URL(target.url), { requestInit: { headers: target.headers ?? {} } });
    } else {
      const { StdioClientTransport } = await load('ts1', '@modelcontextprotocol/sdk/client/stdio.js');
      transport = new StdioClientTransport({ ...target, stderr: 'inherit' });
    }
  } else {
    const { Client, StreamableHTTPClientTransport } = await load('ts2', '@modelcontextprotocol/client');
    const { StdioClientTransport } = await load('ts2', '@modelcontextprotocol/client/stdio');
    const mode = era === 'stateless' ? { pin: '2026-07-28' } : era === 'handshake' ? 'legacy' : era;
    client = new Client(name, { capabilities: can, versionNegotiation: { mode } });
    for (const [method, handler] of Object.entries(on)) client.setRequestHandler(method, handler);
    for (const [method, handler] of Object.entries(hear)) {
      if (handler) client.setNotificationHandler(method, handler);
    }
    transport = target.url
      ? new StreamableHTTPClientTransport(new URL(target.url), { requestInit: { headers: target.headers ?? {} } })
      : new StdioClientTransport({ ...target, stderr: 'inherit' });
  }
  await client.connect(transport);
  return { client, transport };
}

/** Ends the conversation, and the session where there is one. */
export async function disconnect({ client, transport }) {
  // A server without sessions, or one that has gone, has nothing to end.
  await transport.terminateSession?.().catch(() => {});
  await client.close();
}

/** An answer to `sampling/createMessage`. */
export function sampled(text) {
  return { role: 'assistant', content: { type: 'text', text }, model: 'none', stopReason: 'endTurn' };
}

/** Every page of a list. */
export async function pages(list, member) {
  const all = [];
  let cursor;
  do {
    const page = await list(cursor === undefined ? undefined : { cursor });
    all.push(...page[member]);
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return all;
}
