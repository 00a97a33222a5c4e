// An identity provider in which everybody is Ann, who agrees to everything, and whose tokens end soon.

import { once } from 'node:events';
import { createServer } from 'node:http';

import { load } from '../clients/sdk.mjs';

const { Provider } = await load('oidc-provider', 'oidc-provider');

/**
 * Starts one. `life` is how long tokens last, in seconds; `resource` whom they may be for, one or several, of which the first is it
 * where nothing is said; `scope` what they may be good for. `grants` counts what was asked of it.
 */
export async function provider({ life, resource, scope = 'mcp', clients = [] }) {
  const resources = () => [resource()].flat();
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const grants = {};
  const count = (what) => {
    grants[what] = (grants[what] ?? 0) + 1;
  };
  const oidc = new Provider(issuer, {
    clients,
    scopes: ['openid', 'offline_access', ...scope.split(' ')],
    pkce: { required: () => true },
    rotateRefreshToken: true,
    issueRefreshToken: (context, client, code) => client.grantTypeAllowed('refresh_token') && code.scopes.has('offline_access'),
    ttl: { AccessToken: life, RefreshToken: 3600, Session: 3600, Grant: 3600, Interaction: 600, AuthorizationCode: 60 },
    findAccount: (context, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
    interactions: { url: (context, interaction) => `/interaction/${interaction.uid}` },
    features: {
      devInteractions: { enabled: false },
      registration: { enabled: true },
      revocation: { enabled: true },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => resources()[0],
        useGrantedResource: () => true,
        getResourceServerInfo: (context, asked) => {
          if (!resources().includes(asked)) throw new Error(`nobody knows ${asked}`);
          return { scope, audience: asked, accessTokenFormat: 'jwt', accessTokenTTL: life };
        }
      }
    }
  });
  oidc.on('grant.success', ({ oidc: { params } }) => count(params.grant_type));
  oidc.on('grant.error', (context, error) => {
    count('errors');
    console.error('provider:', error.message, error.error_description ?? '');
  });
  oidc.on('grant.revoked', () => count('revoked'));
  oidc.on('registration_create.success', () => count('registered'));
  const answer = oidc.callback();
  server.on('request', async (request, response) => {
    if (!request.url.startsWith('/interaction/')) return answer(request, response);
    try {
      const { params, prompt, grantId, session } = await oidc.interactionDetails(request, response);
      let result = { login: { accountId: 'ann' } };
      if (prompt.name === 'consent') {
        const grant = grantId
          ? await oidc.Grant.find(grantId)
          : new oidc.Grant({ accountId: session.accountId, clientId: params.client_id });
        grant.addOIDCScope(`openid offline_access ${scope}`);
        for (const asked of resources()) grant.addResourceScope(asked, scope);
        result = { consent: { grantId: await grant.save() } };
      }
      await oidc.interactionFinished(request, response, result, { mergeWithLastSubmission: true });
    } catch (error) {
      console.error('interaction:', error);
      response.writeHead(500).end();
    }
  });
  return { issuer, grants, close: () => server.close() };
}

/** A browser: follows from page to page with its cookies, to the end. */
export async function browse(url) {
  const jar = {};
  for (let at = new URL(url), steps = 0; steps < 20; steps++) {
    const cookies = Object.entries(jar[at.host] ?? {}).map(([name, value]) => `${name}=${value}`);
    const reply = await fetch(at, { redirect: 'manual', headers: { cookie: cookies.join('; ') } });
    jar[at.host] ??= {};
    for (const cookie of reply.headers.getSetCookie()) {
      const [name, ...value] = cookie.split(';')[0].split('=');
      jar[at.host][name] = value.join('=');
    }
    const next = reply.headers.get('location');
    if (!next) return { status: reply.status, url: `${at}`, text: await reply.text() };
    at = new URL(next, at);
    // What comes back to a port of this machine can be looked at before it is opened.
    if (at.pathname === '/oauth/callback' && browse.stopsThere) return { status: 0, url: `${at}`, text: '' };
  }
  throw new Error('the way does not end');
}
