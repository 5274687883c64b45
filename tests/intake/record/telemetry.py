"""What a user of opentelemetry-sdk sets up, and the agent whose calls are recorded. Shared by the Python senders."""

import os
from contextlib import contextmanager

from opentelemetry import _logs, metrics, trace
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

CANNED = os.environ["CANNED"]
PROMPT = "PLANTED-PROMPT"


def start():
    """Exports all three signals by OTEL_EXPORTER_OTLP_ENDPOINT; the function that it returns flushes them."""
    spans, logs = TracerProvider(), LoggerProvider()
    meters = MeterProvider([PeriodicExportingMetricReader(OTLPMetricExporter())])
    spans.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    logs.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter()))
    trace.set_tracer_provider(spans)
    _logs.set_logger_provider(logs)
    metrics.set_meter_provider(meters)

    def stop():
        for provider in (spans, logs, meters):
            provider.shutdown()

    return stop


@contextmanager
def agent(name, conversation):
    """The span of an agent's invocation, as the conventions of generative AI describe it."""
    attributes = {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.name": name,
        "gen_ai.conversation.id": conversation,
    }
    with trace.get_tracer("app").start_as_current_span(f"invoke_agent {name}", attributes=attributes):
        yield


@contextmanager
def tool(name):
    """The span of a tool's execution."""
    attributes = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": name, "gen_ai.tool.call.arguments": PROMPT}
    with trace.get_tracer("app").start_as_current_span(f"execute_tool {name}", attributes=attributes):
        yield


def call_openai():
    import openai

    client = openai.OpenAI(api_key="none", base_url=f"{CANNED}/openai/v1", max_retries=0)
    messages = [{"role": "user", "content": PROMPT}]
    with agent("planner", "conv-openai"):
        client.chat.completions.create(model="gpt-4.1-mini", messages=messages)
        for _ in client.chat.completions.create(
            model="gpt-4.1-mini", messages=messages, stream=True, stream_options={"include_usage": True}
        ):
            pass
        client.responses.create(model="gpt-5-mini", input=PROMPT, service_tier="flex")
        with tool("search"):
            client.embeddings.create(model="text-embedding-3-small", input=PROMPT)
    try:
        client.chat.completions.create(model="gpt-4.1-limited", messages=messages)
    except openai.RateLimitError:
        pass


def call_anthropic():
    import anthropic

    client = anthropic.Anthropic(api_key="none", base_url=f"{CANNED}/anthropic", max_retries=0)
    asked = {"model": "claude-sonnet-4-5", "max_tokens": 1024, "messages": [{"role": "user", "content": PROMPT}]}
    with agent("writer", "conv-anthropic"):
        client.messages.create(**asked)
        with client.messages.stream(**asked) as stream:
            stream.get_final_message()


def call_google():
    from google import genai

    options = genai.types.HttpOptions(base_url=f"{CANNED}/google")
    client = genai.Client(api_key="none", http_options=options)
    with agent("researcher", "conv-google"):
        client.models.generate_content(model="gemini-2.5-flash", contents=PROMPT)
        for _ in client.models.generate_content_stream(model="gemini-2.5-flash", contents=PROMPT):
            pass
