"""OpenInference's instrumentations (Arize)."""

import telemetry
from openinference.instrumentation.anthropic import AnthropicInstrumentor
from openinference.instrumentation.google_genai import GoogleGenAIInstrumentor
from openinference.instrumentation.openai import OpenAIInstrumentor

stop = telemetry.start()
for instrumentor in (OpenAIInstrumentor, AnthropicInstrumentor, GoogleGenAIInstrumentor):
    instrumentor().instrument()
telemetry.call_openai()
telemetry.call_anthropic()
telemetry.call_google()
stop()
