// Vercel's AI SDK with its mock models: a tool call in two steps, a stream, and embeddings. The same spans go out as protobuf and as JSON.
import { embedMany, generateText, stepCountIs, streamText, tool } from "ai";
import { MockEmbeddingModelV3, MockLanguageModelV3, simulateReadableStream } from "ai/test";
import { OTLPTraceExporter as JsonExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { OTLPTraceExporter as ProtobufExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { defaultResource, detectResources, envDetector } from "@opentelemetry/resources";
import { BatchSpanProcessor, NodeTracerProvider } from "@opentelemetry/sdk-trace-node";
import { z } from "zod";

const usage = {
  inputTokens: { total: 2841, noCache: 25, cacheRead: 2048, cacheWrite: 768 },
  outputTokens: { total: 150, text: 110, reasoning: 40 },
};
const plain = {
  inputTokens: { total: 10, noCache: 10, cacheRead: undefined, cacheWrite: undefined },
  outputTokens: { total: 30, text: 30, reasoning: undefined },
};
const stop = { unified: "stop", raw: "end_turn" };
const response = (id) => ({ id, modelId: "claude-sonnet-4-5-20250929", timestamp: new Date() });
const answers = [
  {
    content: [{ type: "tool-call", toolCallId: "call-1", toolName: "search", input: '{"query":"PLANTED-PROMPT"}' }],
    finishReason: { unified: "tool-calls", raw: "tool_use" },
    usage,
    warnings: [],
    response: response("msg_01AiSdk1NqVbTzRkYw8sLxCdFGh"),
  },
  {
    content: [{ type: "text", text: "PLANTED-COMPLETION" }],
    finishReason: stop,
    usage: plain,
    warnings: [],
    response: response("msg_01AiSdk2PmWcUyQjXv7rKzBeGJk"),
  },
];

const provider = new NodeTracerProvider({
  resource: defaultResource().merge(detectResources({ detectors: [envDetector] })),
  spanProcessors: [new ProtobufExporter(), new JsonExporter()].map((exporter) => new BatchSpanProcessor(exporter)),
});
provider.register();

async function run() {
  const experimental_telemetry = {
    isEnabled: true,
    functionId: "planner",
    metadata: { sessionId: "chat-7", userId: "user-7" },
  };
  const identity = { provider: "anthropic.messages", modelId: "claude-sonnet-4-5" };
  let step = 0;
  await generateText({
    model: new MockLanguageModelV3({ ...identity, doGenerate: async () => answers[step++] }),
    tools: { search: tool({ inputSchema: z.object({ query: z.string() }), execute: async () => "PLANTED-COMPLETION" }) },
    stopWhen: stepCountIs(3),
    prompt: "PLANTED-PROMPT",
    experimental_telemetry,
  });
  const chunks = [
    { type: "response-metadata", ...response("msg_01AiSdk3QnXdVzRkYw8sLxCdFLm") },
    { type: "text-start", id: "1" },
    { type: "text-delta", id: "1", delta: "PLANTED-COMPLETION" },
    { type: "text-end", id: "1" },
    { type: "finish", finishReason: stop, usage: plain },
  ];
  const streamed = streamText({
    model: new MockLanguageModelV3({ ...identity, doStream: async () => ({ stream: simulateReadableStream({ chunks }) }) }),
    prompt: "PLANTED-PROMPT",
    experimental_telemetry,
  });
  await streamed.consumeStream();
  await embedMany({
    model: new MockEmbeddingModelV3({
      provider: "openai.embedding",
      modelId: "text-embedding-3-small",
      doEmbed: async () => ({ embeddings: [[0.5, -0.5]], usage: { tokens: 11 }, warnings: [] }),
    }),
    values: ["PLANTED-PROMPT"],
    experimental_telemetry,
  });
}

await run();
await provider.shutdown();
