"""OpenLLMetry's instrumentations (Traceloop)."""

import telemetry
from opentelemetry.instrumentation.anthropic import AnthropicInstrumentor
from opentelemetry.instrumentation.google_generativeai import GoogleGenerativeAiInstrumentor
from opentelemetry.instrumentation.openai import OpenAIInstrumentor

stop = telemetry.start()
for instrumentor in (OpenAIInstrumentor, AnthropicInstrumentor, GoogleGenerativeAiInstrumentor):
    instrumentor().instrument()
telemetry.call_openai()
telemetry.call_anthropic()
telemetry.call_google()
stop()
