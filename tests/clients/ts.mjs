// Plays a plan with an official TypeScript client: `node ts.mjs ts1|ts2 <plan.json`. The answer is one JSON object on
// stdout; see ../matrix/plans.py for what a plan is. Nothing is judged here.

import { existsSync, renameSync, writeFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';

import { connect, disconnect, pages, sampled } from './sdk.mjs';

const kind = process.argv[2];
const plan = JSON.parse(await text(process.stdin));
const heard = { changed: 0, updated: 0, message: [], asked: [] };
const awaited = { changed: 0, updated: 0, message: 0 };
const stateless = plan.era === 'stateless';

const asked = (what, answer) => async () => {
  heard.asked.push(what);
  return answer;
};
const handlers = {
  sample: asked('sample', sampled(plan.answers.sample)),
  elicit: asked('elicit', { action: 'accept', content: plan.answers.elicit }),
  roots: asked('roots', { roots: plan.answers.roots.map((uri) => ({ uri, name: 'root' })) }),
  changed: () => heard.changed++,
  updated: () => heard.updated++,
  message: (note) => heard.message.push(note.params.data)
};

// What applications use: ask the server which era it speaks. The plan's judge looks at what came of it.
const { client, transport } = await connect(kind, plan.target, handlers, stateless ? 'auto' : 'handshake');

const count = (what) => (what === 'message' ? heard.message.length : heard[what]);

async function another(what, than) {
  for (const deadline = Date.now() + 10_000; count(what) <= than; await sleep(5)) {
    if (Date.now() > deadline) throw new Error(`waited 10 s for another ${what}`);
  }
}

// ts2 reports each round of questions as progress, too: what the server said is the rest.
const reported = (hear) => (step) => {
  if (!step.message?.startsWith('Fulfilling input required')) hear(step.progress);
};

const request = (params, options) =>
  kind === 'ts1' ? client.callTool(params, undefined, options) : client.callTool(params, options);

const kept = {};
const meant = (given) =>
  Object.fromEntries(Object.entries(given ?? {}).map(([key, value]) => [key, kept[value] ?? value]));

async function late(what) {
  await sleep(10_000, undefined, { ref: false });
  throw new Error(`waited 10 s for ${what}`);
}

const steps = {
  async tools({ until }) {
    for (;;) {
      const before = count('changed');
      const tools = await pages((params) => client.listTools(params), 'tools');
      if (!until || tools.some(({ name }) => name === until)) return tools;
      await another('changed', before);
    }
  },
  prompts: () => pages((params) => client.listPrompts(params), 'prompts'),
  resources: () => pages((params) => client.listResources(params), 'resources'),
  templates: () => pages((params) => client.listResourceTemplates(params), 'resourceTemplates'),
  async call({ name, arguments: given, level, keep }) {
    const progress = [];
    // What is awaited after a call is what happens from here on.
    for (const what of Object.keys(awaited)) awaited[what] = count(what);
    const params = { name, arguments: meant(given) };
    if (level && stateless) params._meta = { 'io.modelcontextprotocol/logLevel': level };
    const options = { onprogress: reported((step) => progress.push(step)), timeout: 30_000 };
    const result = await request(params, options);
    if (keep) kept[`{${keep}}`] = result.structuredContent?.[keep];
    return { ...result, progress };
  },
  async cancel({ name, arguments: given }) {
    const abort = new AbortController();
    const begun = Promise.withResolvers();
    const options = { onprogress: reported(begun.resolve), signal: abort.signal, timeout: 30_000 };
    const ended = request({ name, arguments: given ?? {} }, options);
    await Promise.race([begun.promise, ended, late(`progress of ${name}`)]);
    abort.abort('nobody wants to know any more');
    return ended.then((result) => ({ cancelled: false, result }), (error) => ({ cancelled: true, why: error.message }));
  },
  prompt: ({ name, arguments: given }) => client.getPrompt({ name, arguments: given ?? {} }),
  read: ({ uri }) => client.readResource({ uri }),
  complete: ({ ref, argument }) => client.complete({ ref, argument }),
  // In the stateless era the level travels with each call.
  level: ({ level }) => (stateless ? null : client.setLoggingLevel(level)),
  async watch({ uri }) {
    if (stateless) {
      await client.listen({ toolsListChanged: true, ...(uri ? { resourceSubscriptions: [uri] } : {}) });
    } else if (uri) {
      await client.subscribeResource({ uri });
    }
    return null;
  },
  async pause({ at }) {
    // By its name it is there as a whole.
    writeFileSync(`${at}.new`, JSON.stringify(kept));
    renameSync(`${at}.new`, `${at}.here`);
    // Others may have to get there first.
    for (const deadline = Date.now() + 30_000; !existsSync(`${at}.go`); await sleep(5)) {
      if (Date.now() > deadline) throw new Error(`waited 30 s for ${at}.go`);
    }
    return null;
  },
  async await({ what }) {
    await another(what, awaited[what]);
    return count(what);
  }
};

const results = [];
for (const step of plan.steps) {
  try {
    results.push({ value: (await steps[step.do](step)) ?? null });
  } catch (error) {
    results.push({ error: `${error.code ?? ''} ${error.message}`.trim() });
    if (!step.may_fail) break;
  }
}
const version = kind === 'ts1' ? transport.protocolVersion ?? null : client.getNegotiatedProtocolVersion();
const server = client.getServerVersion() ?? null;
await disconnect({ client, transport });
console.log(JSON.stringify({ server, version, results, heard }));
