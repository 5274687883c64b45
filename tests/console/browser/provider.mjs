// An OpenID provider, as an organization would have one. Its access tokens are signed as the local stack's own are.

import { once } from "node:events";
import { createServer } from "node:http";

import Provider from "oidc-provider";

const SCOPES =
  "metrics:read billing:read usage:read costs:read workforce:read activity:read events:write registry:read registry:write";

export async function startProvider({ port, redirectUri, secret }) {
  const issuer = `http://127.0.0.1:${port}`;
  const api = {
    scope: SCOPES,
    audience: "fleetledger",
    accessTokenFormat: "jwt",
    jwt: { sign: { alg: "HS256", key: Buffer.from(secret) } },
  };
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: "console",
        application_type: "native",
        token_endpoint_auth_method: "none",
        grant_types: ["authorization_code"],
        response_types: ["code"],
        redirect_uris: [redirectUri],
      },
    ],
    pkce: { required: () => true, methods: ["S256"] },
    clientBasedCORS: () => true,
    scopes: ["openid", ...SCOPES.split(" ")],
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
    features: {
      devInteractions: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => "urn:fleetledger",
        useGrantedResource: () => true,
        getResourceServerInfo: () => api,
      },
    },
    formats: {
      customizers: {
        jwt: (_, __, { payload }) => Object.assign(payload, { iss: "fleetledger-local", org: "demo" }),
      },
    },
  });
  const server = createServer(provider.callback()).listen(port, "127.0.0.1");
  await once(server, "listening");
  const stop = () =>
    new Promise((resolve) => {
      server.close(resolve);
      server.closeAllConnections();
    });
  return { issuer, stop };
}
