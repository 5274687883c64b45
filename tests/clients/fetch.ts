// Calls the API by openapi-fetch with the types that openapi-typescript derives.

import assert from "node:assert/strict";
import createClient from "openapi-fetch";
import type { components, paths } from "./schema.d.ts";

const { API_URL, TOKEN } = process.env;
const client = createClient<paths>({ baseUrl: API_URL, headers: { Authorization: `Bearer ${TOKEN}` } });
const time = new Date().toISOString();

// Only required fields.
const call: components["schemas"]["EventLlmCall"] = {
  specversion: "1.0",
  id: crypto.randomUUID(),
  source: "typescript",
  type: "llm.call",
  time,
  data: { agent_id: "typescript", provider: "openai", model: "gpt-4o", input_tokens: 400_000, output_tokens: 0 },
};
const task: components["schemas"]["EventTaskCompleted"] = {
  specversion: "1.0",
  id: crypto.randomUUID(),
  source: "typescript",
  type: "task.completed",
  time,
  data: { agent_id: "typescript", minutes_saved: 1.5 },
};

const sent = await client.POST("/v1/events", { body: [call, task] });
assert.deepEqual(sent.data, { accepted: 2, duplicates: 0, rejected: [] });
const again = await client.POST("/v1/events", { body: call });
assert.equal(again.data?.duplicates, 1);

const put = await client.PUT("/api/agents/{id}", {
  params: { path: { id: "team/a b" } },
  body: { name: "TypeScript" },
});
assert.equal(put.data?.id, "team/a b");
// An agent that only events name is listed as soon as these are aggregated.
let isListed = false;
for (let attempt = 0; attempt < 120 && !isListed; attempt++) {
  const agents = await client.GET("/api/agents", { params: { query: { limit: 100 } } });
  isListed = agents.data?.items.some((agent) => agent.id === "typescript") ?? false;
  if (!isListed) await new Promise((resolve) => setTimeout(resolve, 500));
}
assert.ok(isListed);

const usage = await client.GET("/api/usage", { params: { query: { period: "daily" } } });
assert.equal(usage.data?.totals.projectId, "");
const activity = await client.GET("/api/activity", { params: { query: { agentId: "team/a b" } } });
assert.equal(activity.data?.data[0]?.eventType, "config_change");

const refused = await client.GET("/v1/metrics/summary", { params: { query: { days: 1 } } });
assert.deepEqual(refused.error?.detail && Array.isArray(refused.error.detail), true);
console.log("openapi-fetch: ok");
