#!/usr/bin/env python3
"""Records the golden files: runs each real package against canned.py and keeps what it sends.

    tests/intake/record/record.py [SENDER...]

Each sender has its own environment below RECORD_HOME (default: .record beside the golden files), with the versions that
stand here. To follow a new release, raise its version, record, and look at the difference.
"""

import json
import os
import shlex
import shutil
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path

from canned import Server

HERE = Path(__file__).resolve().parent
GOLDEN = HERE.parent / "golden"
HOME = Path(os.environ.get("RECORD_HOME", HERE.parent / ".record"))

SDK = ["opentelemetry-sdk==1.45.2", "opentelemetry-exporter-otlp-proto-http==1.45.2"]
CLIENTS = ["openai==3.57.0", "anthropic==2.14.0", "google-genai==2.34.0"]
# LiteLLM imports parts of its proxy when it answers from its cache.
PROXY = ["fastapi==0.165.0", "orjson==3.13.0", "python-multipart==0.0.34", "soundfile==0.14.0"]
# Sender: (script, packages).
PYTHON = {
    "otel": (
        "otel.py",
        SDK
        + CLIENTS
        + [
            "opentelemetry-instrumentation-genai-openai==1.3b0",
            "opentelemetry-instrumentation-genai-anthropic==1.3b0",
            "opentelemetry-instrumentation-google-genai==1.3b0",
        ],
    ),
    "otel-openai-v2": (
        "otel_openai_v2.py",
        SDK
        # The newest that this package runs with.
        + ["openai==2.54.0", "opentelemetry-instrumentation-openai-v2==2.4b0", "opentelemetry-util-genai==0.4b0"],
    ),
    "openllmetry": (
        "openllmetry.py",
        SDK
        + CLIENTS
        + [
            "opentelemetry-instrumentation-openai==0.62.4",
            "opentelemetry-instrumentation-anthropic==0.62.4",
            "opentelemetry-instrumentation-google-generativeai==0.62.4",
        ],
    ),
    "openinference": (
        "open_inference.py",
        SDK
        + CLIENTS
        + [
            "openinference-instrumentation-openai==0.1.66",
            "openinference-instrumentation-anthropic==3.1.0",
            "openinference-instrumentation-google-genai==1.4.14",
        ],
    ),
    "litellm": ("litellm_callback.py", ["litellm==1.110.2", *PROXY]),
    "cloudevents-python": ("cloudevents_modes.py", ["cloudevents==2.2.0"]),
}
NODE = {
    "ai-sdk": (
        "ai_sdk.mjs",
        [
            "ai@6.0.326",
            "@opentelemetry/sdk-trace-node@2.12.1",
            "@opentelemetry/resources@2.12.1",
            "@opentelemetry/exporter-trace-otlp-http@0.223.1",
            "@opentelemetry/exporter-trace-otlp-proto@0.223.1",
        ],
    ),
    "cloudevents-javascript": ("cloudevents_modes.mjs", ["cloudevents@10.0.0"]),
}
AGENTS = {
    "claude-code": ["@anthropic-ai/claude-code@2.1.197"],
    "codex": ["@openai/codex@0.171.0"],
    "gemini-cli": ["@google/gemini-cli@0.61.0"],
}
# What the senders read. Content capture is on, so that the tests can prove that no content is taken.
ENVIRONMENT = {
    "OTEL_RESOURCE_ATTRIBUTES": "service.name=golden,team=growth,deployment.environment.name=prod",
    "OTEL_SEMCONV_STABILITY_OPT_IN": "gen_ai_latest_experimental",
    "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "SPAN_AND_EVENT",
    "OTEL_INSTRUMENTATION_GENAI_EMIT_EVENT": "true",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    # One batch, however slow the machine: it is sent when the sender stops.
    "OTEL_BSP_SCHEDULE_DELAY": "60000",
    "OTEL_BLRP_SCHEDULE_DELAY": "60000",
}


def python(packages, folder):
    if not folder.exists():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        subprocess.run([folder / "bin/pip", "install", "-q", "--disable-pip-version-check", *packages], check=True)
    return folder / "bin/python", HERE


def node(packages, folder):
    if not folder.exists():
        folder.mkdir(parents=True)
        folder.joinpath("package.json").write_text('{"private":true}')
        subprocess.run(["npm", "install", "--silent", "--ignore-scripts", "--save-exact", *packages], cwd=folder, check=True)
    # Node resolves packages from the folder of the script.
    for script in HERE.glob("*.mjs"):
        shutil.copy(script, folder)
    return "node", folder


def agent(packages, folder):
    node(packages, folder)
    return sys.executable, HERE


def record(sender, script, packages, install):
    runtime, folder = install(packages, HOME / sender)
    golden = GOLDEN / sender
    shutil.rmtree(golden, ignore_errors=True)
    golden.mkdir(parents=True)
    server = Server(golden)
    environment = {"PATH": os.environ["PATH"], "HOME": str(HOME), "CANNED": server.url, **ENVIRONMENT}
    environment["OTEL_EXPORTER_OTLP_ENDPOINT"] = f"{server.url}/otlp"
    environment["PACKAGES"] = str(HOME / sender / "node_modules")
    subprocess.run([runtime, folder / script, sender], env=environment, check=True, timeout=120)
    at = datetime.now(timezone.utc).isoformat(timespec="seconds")
    recorded = {"at": at, "packages": packages, "requests": server.requests}
    golden.joinpath("recorded.json").write_text(json.dumps(recorded, indent=2) + "\n")
    print(f"{sender}: {len(server.requests)} requests")


def main():
    senders = {sender: (*what, python) for sender, what in PYTHON.items()}
    senders |= {sender: (*what, node) for sender, what in NODE.items()}
    senders |= {sender: ("coding_agents.py", packages, agent) for sender, packages in AGENTS.items()}
    offline = sys.argv[1:2] == ["--offline"]
    for sender in sys.argv[2:] if offline else sys.argv[1:] or senders:
        if sender in AGENTS and not offline:
            # A coding agent looks for its vendor at every start, so it runs in a network that has a loopback alone.
            agent(AGENTS[sender], HOME / sender)
            again = shlex.join([sys.executable, __file__, "--offline", sender])
            command = ["unshare", "--net", "--user", "--map-root-user", "sh", "-c", f"ip link set lo up && {again}"]
            subprocess.run(command, check=True)
        else:
            record(sender, *senders[sender])


if __name__ == "__main__":
    main()
