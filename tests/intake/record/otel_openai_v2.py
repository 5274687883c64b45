"""opentelemetry-instrumentation-openai-v2, the predecessor that most deployments still run."""

import telemetry
from opentelemetry.instrumentation.openai_v2 import OpenAIInstrumentor

stop = telemetry.start()
OpenAIInstrumentor().instrument()
telemetry.call_openai()
stop()
