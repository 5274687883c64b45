"""CNCF's Python SDK: binary mode (its default), structured mode, and a batch."""

import json
import os
import urllib.request
from datetime import datetime, timezone

from cloudevents.core.bindings.http import to_binary_event, to_structured_event
from cloudevents.core.v1.event import CloudEvent

CALL = {"agent_id": "nova", "provider": "openai", "model": "gpt-4.1-mini", "input_tokens": 1200, "output_tokens": 300}


def event(name):
    attributes = {
        "id": name,
        "source": "cloudevents-python",
        "type": "llm.call",
        "specversion": "1.0",
        "time": datetime.now(timezone.utc),
        "datacontenttype": "application/json",
    }
    return CloudEvent(attributes=attributes, data=CALL)


def send(headers, body):
    body = body if isinstance(body, bytes) else body.encode()
    request = urllib.request.Request(f"{os.environ['CANNED']}/v1/events", data=body, headers=headers, method="POST")
    urllib.request.urlopen(request).read()


for message in (to_binary_event(event("binary-1")), to_structured_event(event("structured-1"))):
    send(message.headers, message.body)
# The SDK has no batch mode: a batch is a list of structured events.
batch = [json.loads(to_structured_event(event(f"batch-{n}")).body) for n in (1, 2)]
send({"content-type": "application/cloudevents-batch+json"}, json.dumps(batch))
