// Runs the local stack with the demo, and an OpenID provider whose tokens it accepts.

import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { createServer } from "node:net";
import { fileURLToPath } from "node:url";

import { startProvider } from "./provider.mjs";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const BINARY = process.env.FLEETLEDGER ?? `${ROOT}target/debug/fleetledger`;

/** Where screenshots go. */
export const PICTURES = `${ROOT}target/console`;

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer().on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** @returns the stack's origin, the link that it prints, its token, and how to stop it */
export async function startStack() {
  const port = await freePort();
  const origin = `http://127.0.0.1:${port}`;
  const secret = randomBytes(32).toString("hex");
  const provider = await startProvider({ port: await freePort(), redirectUri: `${origin}/console`, secret });
  const options = [
    "--port",
    String(port),
    "--allow-local-webhooks",
    "--console-issuer",
    provider.issuer,
    "--console-client-id",
    "console",
  ];
  const child = spawn(BINARY, options, {
    env: { ...process.env, AUTH_HS256_SECRET: secret },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const link = await printedLink(child);
  const token = new URLSearchParams(new URL(link).hash.slice(1)).get("token");
  const stop = async () => {
    child.kill("SIGTERM");
    await new Promise((resolve) => child.once("exit", resolve));
    await provider.stop();
  };
  return { origin, link, token, secret, provider, stop };
}

function printedLink(child) {
  return new Promise((resolve, reject) => {
    let printed = "";
    child.stdout.on("data", (text) => {
      printed += text;
      const found = /^http:\S+\/console#token=\S+$/m.exec(printed);
      if (found && printed.includes("Or paste this")) resolve(found[0]);
    });
    child.once("error", reject);
    child.once("exit", (status) => reject(new Error(`the stack ended with ${status}`)));
  });
}
