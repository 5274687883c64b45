"""OpenTelemetry's own instrumentations of openai, anthropic and google-genai."""

import telemetry
from opentelemetry.instrumentation.genai.anthropic import AnthropicInstrumentor
from opentelemetry.instrumentation.genai.openai import OpenAIInstrumentor
from opentelemetry.instrumentation.google_genai import GoogleGenAiSdkInstrumentor

stop = telemetry.start()
for instrumentor in (OpenAIInstrumentor, AnthropicInstrumentor, GoogleGenAiSdkInstrumentor):
    instrumentor().instrument()
telemetry.call_openai()
telemetry.call_anthropic()
telemetry.call_google()
stop()
