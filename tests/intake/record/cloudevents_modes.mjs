// CNCF's JavaScript SDK: binary mode (its default), structured mode, and a batch.
import { CloudEvent, HTTP, emitterFor, httpTransport } from "cloudevents";

const url = `${process.env.CANNED}/v1/events`;
const event = (id) =>
  new CloudEvent({
    id,
    source: "cloudevents-javascript",
    type: "llm.call",
    time: new Date().toISOString(),
    datacontenttype: "application/json",
    data: { agent_id: "nova", provider: "openai", model: "gpt-4.1-mini", input_tokens: 1200, output_tokens: 300 },
  });

await emitterFor(httpTransport(url))(event("binary-1"));
for (const message of [HTTP.structured(event("structured-1"))]) {
  await fetch(url, { method: "POST", ...message });
}
await fetch(url, {
  method: "POST",
  headers: { "content-type": "application/cloudevents-batch+json" },
  body: JSON.stringify([event("batch-1"), event("batch-2")]),
});
