// What a caller sees of a gateway that takes tokens of a real identity provider: signing in with an official client, more rights
// where a call needs them, and every token that is not for it. See `run`.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { load } from '../clients/sdk.mjs';
import { browse, provider } from './provider.mjs';
import { server } from './server.mjs';
import { end, expect, step } from './steps.mjs';

const { Client } = await load('ts1', '@modelcontextprotocol/sdk/client/index.js');
const { StreamableHTTPClientTransport } = await load('ts1', '@modelcontextprotocol/sdk/client/streamableHttp.js');
const { UnauthorizedError } = await load('ts1', '@modelcontextprotocol/sdk/client/auth.js');

const portolan = process.env.PORTOLAN;
const home = await mkdtemp(join(tmpdir(), 'portolan-callers-'));
const env = { ...process.env, PORTOLAN_HOME: join(home, 'portolan'), PORTOLAN_AUTH_TOKEN: 'the-token-of-the-gateway-itself' };
const scope = 'mcp mcp:write';
const REDIRECT = 'http://127.0.0.1:1/oauth/callback';

/** A port that is free, as far as can be known. */
async function freePort() {
  const socket = createServer().listen(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  socket.close();
  await once(socket, 'close');
  return port;
}

const url = `http://127.0.0.1:${await freePort()}/mcp`;
const elsewhere = 'https://elsewhere.example/mcp';
const robot = {
  client_id: 'robot',
  client_secret: 'a-secret-of-a-robot-of-this-play',
  grant_types: ['client_credentials'],
  redirect_uris: [],
  response_types: []
};
// Registered by hand: one that registers itself is good for what it asked for at first, and for nothing more later.
const app = {
  client_id: 'app',
  client_name: 'portolan-tests',
  application_type: 'native',
  grant_types: ['authorization_code', 'refresh_token'],
  redirect_uris: [REDIRECT],
  response_types: ['code'],
  token_endpoint_auth_method: 'none'
};
const made = { life: 600, resource: () => [url, elsewhere], scope, clients: [robot, app] };
const identity = await provider(made);
const stranger = await provider(made);
// A server that writes down every token that it is shown, and takes none of them.
const witness = await server({ issuer: () => stranger.issuer });

const config = join(home, 'config.toml');
await writeFile(
  config,
  `[auth]
issuer = "${identity.issuer}"
scopes = ["mcp"]
[auth.rights]
"mcp" = { tools = ["echo"] }
"mcp:write" = { tools = ["get-sum"] }
[servers.one]
command = "${portolan}"
args = ["__demo-server"]
[servers.witness]
url = "${witness.url}"
`
);

/** The client's side of a sign-in, whose person is a browser. */
class Person {
  constructor() {
    this.asked = [];
  }
  get redirectUrl() {
    return REDIRECT;
  }
  get clientMetadata() {
    return app;
  }
  clientInformation() {
    return { client_id: app.client_id };
  }
  tokens() {
    return this.kept;
  }
  saveTokens(tokens) {
    this.kept = tokens;
  }
  redirectToAuthorization(address) {
    this.asked.push(address.searchParams.get('scope'));
    this.address = address;
  }
  saveCodeVerifier(verifier) {
    this.verifier = verifier;
  }
  codeVerifier() {
    return this.verifier;
  }
  /** Goes where the client leads to, and comes back with what it wants. */
  async finish(transport) {
    browse.stopsThere = true;
    const { url: back } = await browse(this.address);
    browse.stopsThere = false;
    await transport.finishAuth(new URL(back).searchParams.get('code'));
  }
}

const transportOf = (person) => new StreamableHTTPClientTransport(new URL(url), { authProvider: person });

async function connected(person) {
  const client = new Client({ name: 'portolan-tests', version: '1.0.0' });
  const transport = transportOf(person);
  await client.connect(transport);
  return { client, transport };
}

/** One request with a token; status, challenge and body. */
async function ask(token) {
  const reply = await fetch(url, {
    method: 'POST',
    headers: {
      ...(token && { authorization: `Bearer ${token}` }),
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream'
    },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'initialize',
      params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'x', version: '1' } }
    })
  });
  return { status: reply.status, said: reply.headers.get('www-authenticate') ?? '', text: await reply.text() };
}

/** A token by the token endpoint, of somebody whom no person stands behind. `ago`: given so many seconds ago. */
async function given(who, { resource = url, wants = 'mcp', ago = 0 } = {}) {
  const now = Date.now;
  Date.now = () => now() - ago * 1000;
  try {
    const reply = await fetch(`${who.issuer}/token`, {
      method: 'POST',
      headers: { authorization: `Basic ${btoa(`${robot.client_id}:${robot.client_secret}`)}` },
      body: new URLSearchParams({ grant_type: 'client_credentials', resource, scope: wants })
    });
    const answer = await reply.json();
    expect(answer.access_token, 'the provider gives a token', answer);
    return answer.access_token;
  } finally {
    Date.now = now;
  }
}

const gateway = spawn(
  portolan,
  ['gateway', 'run', '--config', config, '--transport', 'streaming', '--port', new URL(url).port],
  { env, stdio: ['ignore', 'ignore', 'inherit'] }
);
const ann = new Person();
const shown = [];

try {
  for (let up; !up; await sleep(20)) up = await fetch(new URL('/health', url)).catch(() => undefined);

  await step('an official client is led to the provider, and its person signs in', async () => {
    const first = new Client({ name: 'portolan-tests', version: '1.0.0' });
    const transport = transportOf(ann);
    const refused = await first.connect(transport).then(
      () => undefined,
      (error) => error
    );
    expect(refused instanceof UnauthorizedError, 'it is refused at first', `${refused}`);
    expect(ann.asked.length === 1 && ann.asked[0] === 'mcp', 'it asks for what it was told', ann.asked);
    expect(ann.address.searchParams.get('resource') === url, 'for this gateway', `${ann.address}`);
    await ann.finish(transport);
    shown.push(ann.kept.access_token);
    const { client } = await connected(ann);
    const said = await client.callTool({ name: 'echo', arguments: { message: 'let in' } });
    expect(said.content[0].text.includes('let in'), 'a call is answered', said);
    await client.close();
  });

  await step('a call beyond its scopes is challenged, and goes on with a better token', async () => {
    const { client, transport } = await connected(ann);
    const sum = () => client.callTool({ name: 'get-sum', arguments: { a: 2, b: 3 } });
    const refused = await sum().then(
      (said) => said,
      (error) => error
    );
    expect(refused instanceof Error, 'it is refused', refused);
    const wanted = ann.asked.at(-1).split(' ');
    expect(ann.asked.length === 2 && wanted.includes('mcp:write') && wanted.includes('mcp'), 'more is asked for', ann.asked);
    await ann.finish(transport);
    shown.push(ann.kept.access_token);
    const said = await sum();
    expect(said.content[0].text.includes('5'), 'the same conversation goes on', said);
    await client.close();
  });

  await step('a program signs in for itself', async () => {
    const token = await given(identity);
    shown.push(token);
    const reply = await ask(token);
    expect(reply.status === 200, 'it is let in', reply);
  });

  await step('every other token is refused, and the way in is told', async () => {
    const place = `resource_metadata="${new URL('/.well-known/oauth-protected-resource/mcp', url)}"`;
    const cases = {
      'none at all': [undefined, 401, 'scope="mcp"'],
      'one that has ended': [await given(identity, { ago: 700 }), 401, 'it has expired'],
      'one for another audience': [await given(identity, { resource: elsewhere }), 401, 'another audience'],
      'one of another issuer': [await given(stranger), 401, 'not from the issuer'],
      'one that was changed': [(await given(identity)).replace(/.{8}$/, 'AAAAAAAA'), 401, 'signature is wrong'],
      'one without the scope': [await given(identity, { wants: 'mcp:write' }), 403, 'insufficient_scope'],
      'one that is none': ['opaque', 401, 'invalid_token']
    };
    for (const [what, [token, status, says]] of Object.entries(cases)) {
      const reply = await ask(token);
      expect(reply.status === status && reply.said.includes(says) && reply.said.includes(place), what, reply);
      expect(!token || !(reply.text + reply.said).includes(token), `${what}: it is not repeated`, reply);
    }
  });

  await step('no server is shown a token of a caller', async () => {
    expect(shown.length >= 3, 'there were some', shown.length);
    expect(witness.seen.refused > 0, 'the server was asked', witness.seen.refused);
    expect(witness.seen.shown.size === 0, 'and shown nothing', [...witness.seen.shown]);
  });
} finally {
  gateway.kill('SIGTERM');
  await once(gateway, 'exit');
  witness.close();
  identity.close();
  stranger.close();
  await rm(home, { recursive: true, force: true });
}
end();
