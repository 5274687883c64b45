/** How to connect each tool: the exact lines to paste. `tests/intake/` records what the tools then send. */

/**
 * @typedef {object} Tool
 * @property {string} label
 * @property {string} where where the lines belong
 * @property {(place: { origin: string, key: string }) => string} lines
 * @property {string} [note]
 */

const otlp = ({ origin, key }) => `export OTEL_EXPORTER_OTLP_ENDPOINT=${origin}/otlp
export OTEL_EXPORTER_OTLP_HEADERS="Authorization=Bearer%20${key}"
export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf`;

/** @type {Record<string, Tool>} */
export const TOOLS = {
  "claude-code": {
    label: "Claude Code",
    where: "In the shell that starts it, or under env in ~/.claude/settings.json",
    lines: (place) => `export CLAUDE_CODE_ENABLE_TELEMETRY=1 OTEL_LOGS_EXPORTER=otlp\n${otlp(place)}`,
    note: "Each request to the model is counted once, with its session and user. Prompts are not stored.",
  },
  codex: {
    label: "Codex",
    where: "In ~/.codex/config.toml",
    lines: ({ origin, key }) => `[otel]
exporter = { otlp-http = { endpoint = "${origin}/otlp/v1/logs", protocol = "binary", headers = { "Authorization" = "Bearer ${key}" } } }`,
  },
  "gemini-cli": {
    label: "Gemini CLI",
    where: "In ~/.gemini/settings.json; the key in the shell that starts it",
    lines: ({
      origin,
      key,
    }) => `{ "telemetry": { "enabled": true, "target": "local", "otlpProtocol": "http", "otlpEndpoint": "${origin}/otlp" } }

export OTEL_EXPORTER_OTLP_HEADERS="Authorization=Bearer%20${key}"`,
  },
  otel: {
    label: "OpenTelemetry SDK",
    where: "In the environment of your program",
    lines: otlp,
    note: "With OpenTelemetry's, OpenLLMetry's or OpenInference's instrumentations, or the AI SDK's telemetry. Each call is counted once, even if several spans report it.",
  },
  litellm: {
    label: "LiteLLM proxy",
    where: "In config.yaml, and in the environment of the proxy",
    lines: ({ origin, key }) => `litellm_settings:
  callbacks: ["generic_api"]

export GENERIC_LOGGER_ENDPOINT=${origin}/v1/intake/litellm
export GENERIC_LOGGER_HEADERS="Authorization=Bearer ${key}"`,
  },
  response: {
    label: "A provider's response",
    where: "Right after the call; also openai, google, bedrock and mistral in place of anthropic",
    lines: ({ origin, key }) => `curl -H "Authorization: Bearer ${key}" -H 'Content-Type: application/json' \\
  '${origin}/v1/intake/anthropic?agent_id=my-agent' -d '{
  "id": "msg_01XFDUDYJgAACzvnptvVoYEL", "model": "claude-sonnet-4-5-20250929",
  "usage": {"input_tokens": 25, "cache_read_input_tokens": 2048, "output_tokens": 150}}'`,
  },
  event: {
    label: "Your own code",
    where: "Any program that can send HTTP",
    lines: ({
      origin,
      key,
    }) => `curl -H "Authorization: Bearer ${key}" -H 'Content-Type: application/json' ${origin}/v1/events -d '[{
  "specversion": "1.0", "type": "llm.call", "source": "my-code", "id": "'$(date +%s%N)'", "time": "'$(date -u +%FT%TZ)'",
  "data": {"agent_id": "my-agent", "provider": "anthropic", "model": "claude-haiku-4-5", "input_tokens": 1200, "output_tokens": 300}}]'`,
    note: "Events are CloudEvents. The same event may be sent again: it is counted once.",
  },
};
