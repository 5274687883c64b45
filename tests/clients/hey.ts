// Calls the API by the client that @hey-api/openapi-ts generates.

import assert from "node:assert/strict";
import { client } from "./hey/client.gen.js";
import { getActivity, listAgents, sendEvents } from "./hey/sdk.gen.js";

client.setConfig({ baseUrl: process.env.API_URL, auth: () => process.env.TOKEN });

const sent = await sendEvents({
  body: [
    {
      specversion: "1.0",
      id: crypto.randomUUID(),
      source: "hey",
      type: "agent.activity",
      time: new Date().toISOString(),
      data: { agent_id: "hey", event_type: "tool_call" },
    },
  ],
});
assert.equal(sent.data?.accepted, 1, JSON.stringify(sent.error));
const agents = await listAgents();
assert.ok(agents.data?.items);
const activity = await getActivity({ query: { agentId: "hey" } });
assert.equal(activity.response?.status, 200);
console.log("hey-api: ok");
