// The client side of the official suite: plays one of its client scenarios with an official client.
//
//   node driver.mjs direct|stdio|http URL
//
// The suite runs a server per scenario and gives its URL. `direct` connects to it; `stdio` and `http` start the gateway
// with that server as its one upstream and connect to the gateway. The scenario is in the environment, from the suite;
// $PORTOLAN is the gateway's binary. With $CROSSED the client is of the other era than the server.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { connect, disconnect, pages } from '../clients/sdk.mjs';

const [front, upstream] = process.argv.slice(2);
const scenario = process.env.MCP_CONFORMANCE_SCENARIO;
const version = process.env.MCP_CONFORMANCE_PROTOCOL_VERSION ?? '2025-11-25';
const context = JSON.parse(process.env.MCP_CONFORMANCE_CONTEXT ?? '{}');
const stateless = version >= '2026-07-28' !== Boolean(process.env.CROSSED);
const kind = stateless ? 'ts2' : 'ts1';
const era = stateless ? 'stateless' : 'handshake';
const signsIn = scenario.startsWith('auth/');

const scenarios = {
  initialize: ({ client }) => tools(client),
  async tools_call({ client }) {
    await tools(client);
    const result = await client.callTool({ name: 'add_numbers', arguments: { a: 5, b: 3 } });
    expect(result.content[0].text.includes('8'), 'the sum is 8', result);
  },
  async 'elicitation-sep1034-client-defaults'({ client }) {
    await tools(client);
    await client.callTool({ name: 'test_client_elicitation_defaults', arguments: {} });
  },
  async 'sse-retry'({ client }) {
    await tools(client);
    const result = await client.callTool({ name: 'test_reconnection', arguments: {} });
    expect(result.content.length > 0, 'the answer arrived after the reconnection', result);
  },
  async 'request-metadata'({ client }) {
    await tools(client);
  },
  async 'sep-2322-client-request-state'({ client }) {
    await tools(client);
    const call = (name) => client.callTool({ name, arguments: {} });
    // Another call in the middle of the first one's rounds must carry nothing of it.
    between = () => call('test_mrtr_unrelated');
    expect((await call('test_mrtr_echo_state')).content[0].text === 'echo-state-ok', 'state echoed');
    expect((await call('test_mrtr_no_state')).content[0].text === 'no-state-ok', 'no state, none sent');
    // The suite wants no second round; that this client takes a result without a resultType for broken is its own matter.
    await call('test_mrtr_no_result_type').catch((error) => {
      if (error.code !== 'INVALID_RESULT') throw error;
    });
  },
  async 'http-standard-headers'({ client }) {
    for (const { name } of await tools(client)) await client.callTool({ name, arguments: {} });
    const resources = await pages((params) => client.listResources(params), 'resources');
    for (const { uri } of resources) await client.readResource({ uri });
    const prompts = await pages((params) => client.listPrompts(params), 'prompts');
    for (const { name } of prompts) await client.getPrompt({ name });
    expect(resources.length === 2 && prompts.length === 1, 'everything is listed', { resources, prompts });
  },
  async 'http-custom-headers'({ client }) {
    await tools(client);
    for (const call of context.toolCalls) await client.callTool(call);
  },
  async 'http-invalid-tool-headers'({ client }) {
    // Whatever is still on the list may be called: what is invalid must not be on it.
    for (const { name, inputSchema } of await tools(client)) {
      const given = Object.keys(inputSchema.properties ?? {}).map((key) => [key, 'a']);
      await client.callTool({ name, arguments: Object.fromEntries(given) });
    }
  },
  async 'json-schema-ref-no-deref'({ client }) {
    expect((await tools(client)).length === 1, 'the tool is listed');
  },
  async 'json-schema-2020-12-preservation'({ client }) {
    const tool = (await tools(client)).find(({ name }) => name === 'json_schema_2020_12_tool');
    await client.callTool({ name: 'json_schema_echo', arguments: { schema: tool.inputSchema } });
  }
};

/** A server behind a sign-in: added, which leads the person to a page, and used. */
async function signedIn({ client }) {
  const added = await client.callTool({ name: 'mcp-add', arguments: { name: 'suite' } });
  expect(!added.isError, 'the server is added', added);
  for (const { name } of added.structuredContent.tools) {
    const result = await client.callTool({ name, arguments: {} });
    expect(!result.isError, `${name} is called`, result);
  }
}

/** The person: follows the link on the gateway's page, and agrees to everything. */
async function person(url) {
  const page = await (await fetch(url)).text();
  const way = page.match(/href="([^"]+)"/)[1].replaceAll('&amp;', '&');
  const back = await fetch(way, { redirect: 'manual' });
  await fetch(back.headers.get('location'));
}

let between = async () => {};

async function tools(client) {
  return pages((params) => client.listTools(params), 'tools');
}

function expect(truth, what, detail) {
  if (!truth) throw new Error(`not so: ${what}: ${JSON.stringify(detail)}`);
}

/** The gateway, as the client of this scenario sees it. */
async function target(home) {
  if (front === 'direct') return { url: upstream };
  const gateway = process.env.PORTOLAN;
  expect(gateway, '$PORTOLAN names the gateway');
  const config = join(home, 'servers.json');
  const entry = { url: upstream };
  const env = { ...process.env, PORTOLAN_HOME: join(home, 'portolan'), PORTOLAN_DYNAMIC_TOOLS: `${signsIn}` };
  if (scenario === 'auth/pre-registration') {
    entry.oauth = { client_id: context.client_id, client_secret: 'env:SUITE_SECRET', issuer: context.issuer };
    env.SUITE_SECRET = context.client_secret;
  }
  if (scenario === 'auth/basic-cimd') {
    env.PORTOLAN_CLIENT_METADATA_URL = 'https://conformance-test.local/client-metadata.json';
  }
  await writeFile(config, JSON.stringify({ mcpServers: { suite: entry } }));
  const run = ['gateway', 'run', '--config', config];
  if (front === 'stdio') return { command: gateway, args: run, env };
  const port = await freePort();
  const args = [...run, '--transport', 'streaming', '--port', `${port}`, '--allow-unauthenticated'];
  const child = spawn(gateway, args, { env, stdio: ['ignore', 'inherit', 'inherit'] });
  await listening(child, port);
  return { url: `http://127.0.0.1:${port}/mcp`, child };
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

async function listening(child, port) {
  for (const deadline = Date.now() + 10_000; Date.now() < deadline; await sleep(20)) {
    expect(child.exitCode === null, `the gateway is running (it ended with ${child.exitCode})`);
    const health = await fetch(`http://127.0.0.1:${port}/health`).catch(() => undefined);
    if (health) return;
  }
  throw new Error('the gateway did not begin to listen within 10 s');
}

const home = await mkdtemp(join(tmpdir(), 'portolan-client-'));
let child;
let code = 0;
try {
  const { child: started, ...to } = await target(home);
  child = started;
  const elicit = async (request) => {
    if (request.params.mode === 'url') {
      await person(request.params.url);
      return { action: 'accept' };
    }
    await between();
    const properties = request.params.requestedSchema?.properties ?? {};
    return { action: 'accept', content: 'confirmed' in properties ? { confirmed: true } : {} };
  };
  const connection = await connect(kind, to, { elicit, pages: signsIn }, era);
  const played = signsIn ? signedIn : scenarios[scenario];
  expect(played, `there is a driver for ${scenario}`);
  await played(connection);
  await disconnect(connection);
} catch (error) {
  console.error(error);
  code = 1;
} finally {
  if (child && child.exitCode === null) {
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    if (!(await Promise.race([ended, sleep(5_000, false)]))) child.kill('SIGKILL');
  }
  await rm(home, { recursive: true, force: true });
}
process.exit(code);
