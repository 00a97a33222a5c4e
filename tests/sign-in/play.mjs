// What a person sees of a server behind a sign-in, from the first call to signing out. See `run`.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { connect, disconnect } from '../clients/sdk.mjs';
import { browse, provider } from './provider.mjs';
import { server } from './server.mjs';
import { end, expect, step } from './steps.mjs';

const LIFE = 4;
const portolan = process.env.PORTOLAN;
const home = await mkdtemp(join(tmpdir(), 'portolan-sign-in-'));
const config = join(home, 'servers.json');
const env = { ...process.env, PORTOLAN_HOME: join(home, 'portolan') };

const cloud = await server({ issuer: () => identity.issuer });
const identity = await provider({ life: LIFE, resource: () => cloud.url });
await writeFile(config, JSON.stringify({ mcpServers: { cloud: { url: cloud.url } } }));

/** A gateway with one client. With `person` it has somebody who follows links. */
async function conversation(play, { person, kind = 'ts1', era = 'handshake' } = {}) {
  const links = [];
  const elicit = async ({ params }) => {
    expect(params.mode === 'url' && person, 'nobody is asked', params);
    links.push(params.url);
    const page = await browse(params.url);
    const way = page.text.match(/href="([^"]+)"/)[1].replaceAll('&amp;', '&');
    const end = await browse(way);
    expect(end.text.includes('Signed in'), 'the browser ends at a page that says so', end);
    return { action: 'accept' };
  };
  const target = { command: portolan, args: ['gateway', 'run', '--config', config], env };
  const connection = await connect(kind, target, { elicit, pages: person }, era);
  try {
    await play(connection.client, links);
  } finally {
    await disconnect(connection);
  }
}

async function echo(client, text) {
  const result = await client.callTool({ name: 'echo', arguments: { text } });
  return { text: result.content[0].text, isError: Boolean(result.isError) };
}

async function works(client, text) {
  const said = await echo(client, text);
  expect(!said.isError && said.text === text, 'the call is answered', said);
}

/** A command, with what it printed. */
async function command(words, input) {
  const child = spawn(portolan, words, { env, stdio: [input ? 'pipe' : 'ignore', 'pipe', 'pipe'] });
  const said = { out: '', err: '' };
  child.stdout.on('data', (piece) => (said.out += piece));
  child.stderr.on('data', (piece) => {
    said.err += piece;
    input?.(said.err, child);
  });
  const [code] = await once(child, 'close');
  return { code, ...said };
}

/** A gateway for callers, for as long as `play` lasts. */
async function listening(token, play) {
  const socket = createServer().listen(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  socket.close();
  await once(socket, 'close');
  const line = ['gateway', 'run', '--config', config, '--transport', 'streaming', '--port', `${port}`];
  const child = spawn(portolan, line, { env: { ...env, PORTOLAN_AUTH_TOKEN: token }, stdio: ['ignore', 'ignore', 'inherit'] });
  try {
    for (let up; !up; await sleep(20)) up = await fetch(`http://127.0.0.1:${port}/health`).catch(() => undefined);
    await play(`http://127.0.0.1:${port}/mcp`);
  } finally {
    child.kill('SIGTERM');
    await once(child, 'exit');
  }
}

/** A client of it with this token, and somebody who follows links if `elicit` says so. */
async function over(url, token, play, elicit) {
  const connection = await connect('ts1', { url, headers: { Authorization: `Bearer ${token}` } }, { elicit, pages: Boolean(elicit) });
  try {
    return await play(connection.client);
  } finally {
    await disconnect(connection);
  }
}

/** A browser for commands that open one. */
async function withBrowser() {
  const browser = join(home, 'browser');
  const here = fileURLToPath(new URL('provider.mjs', import.meta.url));
  const script = `import('${here}').then(({ browse }) => browse(process.argv[2] ?? process.argv[1]));`;
  await writeFile(`${browser}.mjs`, script);
  await writeFile(browser, `#!/bin/sh\nexec "${process.execPath}" "${browser}.mjs" "$1"\n`);
  await chmod(browser, 0o700);
  env.BROWSER = browser;
}

/** Until what was given last has ended. */
const tokensEnd = () => sleep((LIFE + 1) * 1000);

try {
  await step('nobody has signed in: the failing call names the command', async () => {
    await conversation(async (client) => {
      const added = await client.callTool({ name: 'mcp-add', arguments: { name: 'cloud' } });
      expect(added.isError && added.content[0].text.includes('portolan oauth authorize cloud'), 'it is named', added);
    });
  });

  await step('a person signs in in the middle of a call, and tokens that end are renewed under way', async () => {
    await conversation(
      async (client, links) => {
        const added = await client.callTool({ name: 'mcp-add', arguments: { name: 'cloud' } });
        expect(!added.isError && links.length === 1, 'it is added after one link', added);
        // Over the end of the token, without a pause longer than between two calls.
        for (let begun = Date.now(), at = 0; Date.now() - begun < (LIFE + 2) * 1000; at++) {
          await works(client, `call ${at}`);
          await sleep(100);
        }
        await tokensEnd();
        await works(client, 'after a silence');
        expect(identity.grants.refresh_token >= 2, 'it was renewed', identity.grants);
        expect(links.length === 1, 'nobody was asked again', links);
      },
      { person: true }
    );
  });

  await step('another gateway, later, needs nobody', async () => {
    await tokensEnd();
    const before = cloud.seen.served;
    await conversation(async (client) => works(client, 'after a restart'));
    await conversation(async (client) => works(client, 'in the other era'), { kind: 'ts2', era: 'stateless' });
    expect(cloud.seen.served > before, 'it is the server that answers');
  });

  await step('what a client shows the gateway is shown to nobody else', async () => {
    const token = 'the-token-of-the-client-itself';
    await listening(token, async (url) => {
      expect((await fetch(url, { method: 'POST' })).status === 401, 'the gateway wants the token');
      await over(url, token, (client) => works(client, 'with a token of its own'));
    });
    expect(cloud.seen.shown.size > 0 && !cloud.seen.shown.has(token), 'the server has not seen it');
  });

  await step('ten gateways at once renew one token once', async () => {
    await tokensEnd();
    const before = identity.grants.refresh_token;
    const at = (number) => conversation(async (client) => works(client, `gateway ${number}`));
    await Promise.all([...Array(10).keys()].map(at));
    const count = identity.grants.refresh_token - before;
    // Whoever starts late on a busy machine may find the new one ended, too; a token that was used twice ends all of them.
    expect(count >= 1 && count <= 3 && !identity.grants.errors, 'the provider saw no token twice', { count, ...identity.grants });
  });

  await step('no token is to be seen', async () => {
    const listed = await command(['oauth', 'ls', '--format', 'json']);
    const { accounts } = JSON.parse(listed.out);
    expect(accounts.length === 1 && accounts[0].name === 'cloud' && accounts[0].issuer === identity.issuer, 'ls', accounts);
    const files = await readdir(env.PORTOLAN_HOME, { recursive: true, withFileTypes: true });
    const texts = files.filter((file) => file.isFile()).map((file) => readFile(join(file.parentPath, file.name), 'latin1'));
    const all = [listed.out, listed.err, ...(await Promise.all(texts))].join('\n');
    expect(all.length > 1000 && cloud.seen.tokens.size > 2, 'there is something to look at');
    expect(![...cloud.seen.tokens].some((token) => all.includes(token)), 'it lies nowhere in the open');
  });

  await step('signing out tells the provider, and calls need a person again', async () => {
    const revoked = await command(['oauth', 'revoke', 'cloud']);
    expect(revoked.code === 0 && identity.grants.revoked >= 1, 'it was told', { revoked, ...identity.grants });
    await conversation(async (client) => {
      const said = await echo(client, 'x');
      expect(said.isError && said.text.includes('portolan oauth authorize cloud'), 'the command is named', said);
    });
    const again = await command(['oauth', 'revoke', 'cloud']);
    expect(again.code === 3, 'there is nothing left', again);
  });

  await step('a call of a tool that was known leads the person, too, in both eras', async () => {
    await conversation(
      async (client, links) => {
        await works(client, 'in the middle of it');
        expect(links.length === 1, 'by one link', links);
      },
      { person: true }
    );
    await command(['oauth', 'revoke', 'cloud']);
    await conversation(
      async (client, links) => {
        await works(client, 'in the middle of it, made again');
        expect(links.length === 1, 'by one link', links);
      },
      { person: true, kind: 'ts2', era: 'stateless' }
    );
    await command(['oauth', 'revoke', 'cloud']);
  });

  await step('the command opens a browser', async () => {
    await withBrowser();
    const done = await command(['oauth', 'authorize', 'cloud', '--config', config]);
    expect(done.code === 0, 'it is signed in to', done);
    await conversation(async (client) => works(client, 'after the command'));
    await command(['oauth', 'revoke', 'cloud']);
    delete env.BROWSER;
  });

  await step('without a browser the address is pasted back', async () => {
    let isPasted = false;
    const paste = async (said, child) => {
      const way = said.match(/^ +(http:\S+)$/m)?.[1];
      if (!way || isPasted) return;
      isPasted = true;
      browse.stopsThere = true;
      const { url } = await browse(way);
      child.stdin.write(`http://127.0.0.1/oauth/callback?code=x&state=y\n${url}\n`);
    };
    const done = await command(['oauth', 'authorize', 'cloud', '--config', config, '--no-browser'], paste);
    browse.stopsThere = false;
    expect(done.code === 0 && done.err.includes('not the address'), 'it is signed in to', done);
    await conversation(async (client) => works(client, 'after the paste'));
  });

  await step('a caller uses an account of its own, and the one of the person only by their wish', async () => {
    const add = async (...words) => (await command(['caller', 'add', ...words])).out.trim();
    const [ann, bob, carol] = [await add('ann'), await add('bob'), await add('carol', '--share-accounts')];
    await withBrowser();
    await listening('the-token-of-the-gateway-itself', async (url) => {
      await over(url, carol, (client) => works(client, 'with what the person shares'));
      const refused = (name) => async (client) => {
        const added = await client.callTool({ name: 'mcp-add', arguments: { name: 'cloud' } });
        const command = `portolan oauth authorize cloud --caller ${name}`;
        expect(added.isError && added.content[0].text.includes(command), 'it is named', added);
      };
      await over(url, ann, refused('ann'));
      const before = new Set(cloud.seen.tokens);
      const done = await command(['oauth', 'authorize', 'cloud', '--caller', 'ann', '--config', config]);
      expect(done.code === 0 && done.err.includes('for ann'), 'she is signed in', done);
      const uses = async (client) => {
        const added = await client.callTool({ name: 'mcp-add', arguments: { name: 'cloud' } });
        expect(!added.isError, 'it is added', added);
        await works(client, 'with an account of their own');
      };
      await over(url, ann, uses);
      expect(cloud.seen.tokens.size > before.size, 'the server has seen another token');
      // Bob has nothing of hers, and signs in by a page, which says for whom that is.
      await over(url, bob, refused('bob'));
      const elicit = async ({ params }) => {
        const page = await browse(params.url);
        expect(page.text.includes('that of the caller <code>bob</code>'), 'the page says whose it will be', page);
        await browse(page.text.match(/href="([^"]+)"/)[1].replaceAll('&amp;', '&'));
        return { action: 'accept' };
      };
      await over(url, bob, uses, elicit);
    });
    const holders = async () => {
      const { accounts } = JSON.parse((await command(['oauth', 'ls', '--format', 'json'])).out);
      return accounts.map(({ caller }) => caller ?? 'me').join();
    };
    expect((await holders()) === 'me,ann,bob', 'whose accounts there are', await holders());
    await command(['caller', 'rm', 'ann']);
    await command(['oauth', 'revoke', 'cloud', '--caller', 'bob']);
    expect((await holders()) === 'me', 'what is left', await holders());
  });
} finally {
  cloud.close();
  identity.close();
  await rm(home, { recursive: true, force: true });
}
end();
