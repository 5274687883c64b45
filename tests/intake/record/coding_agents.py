"""One prompt to a coding agent, which reports by its own telemetry. No account: the canned server plays the provider."""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CANNED, PACKAGES = os.environ["CANNED"], Path(os.environ["PACKAGES"])
PROMPT = "PLANTED-PROMPT"
OTLP = f"{CANNED}/otlp"


def claude_code(home):
    environment = {
        "ANTHROPIC_BASE_URL": f"{CANNED}/anthropic",
        "ANTHROPIC_API_KEY": "none",
        "CLAUDE_CODE_ENABLE_TELEMETRY": "1",
        "CLAUDE_CODE_ENHANCED_TELEMETRY_BETA": "1",
        "OTEL_METRICS_EXPORTER": "otlp",
        "OTEL_LOGS_EXPORTER": "otlp",
        "OTEL_TRACES_EXPORTER": "otlp",
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "OTEL_LOGS_EXPORT_INTERVAL": "200",
        "OTEL_METRIC_EXPORT_INTERVAL": "1000",
        "OTEL_LOG_USER_PROMPTS": "1",
        "OTEL_LOG_ASSISTANT_RESPONSES": "1",
        "DISABLE_AUTOUPDATER": "1",
        "DISABLE_ERROR_REPORTING": "1",
        "IS_SANDBOX": "1",
    }
    command = [PACKAGES / "@anthropic-ai/claude-code-linux-x64/claude", "-p", "--model", "claude-opus-4-5"]
    command += ["--input-format", "stream-json", "--output-format", "stream-json", "--verbose"]
    message = {"type": "user", "message": {"role": "user", "content": PROMPT}}
    # It exits without sending its last log records, so its input stays open for a while.
    run(command, home, environment, json.dumps(message) + "\n", seconds=4)


def codex(home):
    exporter = lambda signal: f'{{ otlp-http = {{ endpoint = "{OTLP}/v1/{signal}", protocol = "binary" }} }}'
    home.joinpath(".codex").mkdir()
    home.joinpath(".codex/config.toml").write_text(
        f"""
model = "gpt-5-mini"
model_provider = "canned"

[model_providers.canned]
name = "canned"
base_url = "{CANNED}/openai/v1"
env_key = "CANNED_KEY"
wire_api = "responses"

[otel]
environment = "golden"
log_user_prompt = true
exporter = {exporter("logs")}
metrics_exporter = {exporter("metrics")}
"""
    )
    command = ["node", PACKAGES / ".bin/codex", "exec", "--skip-git-repo-check", PROMPT]
    run(command, home, {"CANNED_KEY": "none"})


def gemini_cli(home):
    settings = {
        "telemetry": {
            "enabled": True,
            "target": "local",
            "otlpEndpoint": OTLP,
            "otlpProtocol": "http",
            "logPrompts": True,
            "traces": True,
        },
        "security": {"auth": {"selectedType": "gemini-api-key"}},
        "privacy": {"usageStatisticsEnabled": False},
        "general": {"disableAutoUpdate": True, "disableUpdateNag": True},
    }
    home.joinpath(".gemini").mkdir()
    home.joinpath(".gemini/settings.json").write_text(json.dumps(settings))
    environment = {
        "GEMINI_API_KEY": "none",
        "GOOGLE_GEMINI_BASE_URL": f"{CANNED}/google",
        "GEMINI_CLI_TRUST_WORKSPACE": "true",
    }
    run(["node", PACKAGES / ".bin/gemini", "-m", "gemini-2.5-flash", "-p", PROMPT], home, environment)


def run(command, home, environment, text="", seconds=0):
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "OTEL_RESOURCE_ATTRIBUTES": "team=growth",
        "OTEL_EXPORTER_OTLP_ENDPOINT": OTLP,
        **environment,
    }
    agent = subprocess.Popen(command, env=environment, cwd=home, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    agent.stdin.write(text.encode())
    agent.stdin.flush()
    time.sleep(seconds)
    agent.stdin.close()
    agent.wait(timeout=60)


AGENTS = {"claude-code": claude_code, "codex": codex, "gemini-cli": gemini_cli}

with tempfile.TemporaryDirectory() as folder:
    AGENTS[sys.argv[1]](Path(folder))
