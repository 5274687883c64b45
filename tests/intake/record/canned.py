"""A loopback server that answers as the providers do, and keeps what senders report.

Providers' paths return the responses of canned.json, whose token counts the tests know. Every other POST is kept as a golden file.
The prompts and completions carry PLANTED text, which must never appear in an event.
"""

import gzip
import itertools
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

COMPLETION = "PLANTED-COMPLETION"
REQUESTS = itertools.count(1)

CANNED = json.loads(Path(__file__).with_name("canned.json").read_text())
CHAT, RESPONSE, MESSAGE = CANNED["chat"], CANNED["response"], CANNED["message"]


def chat_stream():
    base = {
        "id": "chatcmpl-Golden2Hb3dJf5gKr7uVn9Xw1Ea",
        "object": "chat.completion.chunk",
        "created": 1790000000,
        "model": "gpt-4.1-mini-2025-04-14",
    }
    delta = {"role": "assistant", "content": COMPLETION}
    yield {**base, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
    yield {**base, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    yield {**base, "choices": [], "usage": CANNED["chat_stream_usage"]}


def message_stream(model):
    if "opus" in model:
        usage, name, output = {**MESSAGE["usage"], "output_tokens": 1}, "msg_01Golden3RtXcVyQkXw8sLzCfH", 150
    else:
        usage, name, output = {"input_tokens": 10, "output_tokens": 1}, "msg_01Golden2PmWcUyQjXv7rKzBeG", 30
    named = model if "opus" in model else MESSAGE["model"]
    start = {**MESSAGE, "id": name, "model": named, "content": [], "stop_reason": None, "usage": usage}
    yield {"type": "message_start", "message": start}
    yield {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
    yield {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": COMPLETION}}
    yield {"type": "content_block_stop", "index": 0}
    stop = {"stop_reason": "end_turn", "stop_sequence": None}
    yield {"type": "message_delta", "delta": stop, "usage": {"output_tokens": output}}
    yield {"type": "message_stop"}


def response_stream():
    started = {**RESPONSE, "status": "in_progress", "output": [], "usage": None}
    yield {"type": "response.created", "response": started, "sequence_number": 0}
    item = RESPONSE["output"][0]
    yield {"type": "response.output_item.added", "output_index": 0, "item": {**item, "content": []}, "sequence_number": 1}
    yield {"type": "response.output_text.delta", "item_id": "msg_1", "output_index": 0, "content_index": 0, "delta": COMPLETION, "sequence_number": 2}
    yield {"type": "response.output_item.done", "output_index": 0, "item": item, "sequence_number": 3}
    yield {"type": "response.completed", "response": RESPONSE, "sequence_number": 4}


class Server:
    """Answers on a free port of the loopback interface; `requests` lists what was kept in `folder`."""

    def __init__(self, folder: Path):
        self.folder, self.requests, self.lock = folder, [], threading.Lock()
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                owner.answer(self)

            def do_GET(self):
                reply(self, {"data": []})

            def log_message(self, *_):
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def answer(self, request):
        body = read(request)
        path = request.path.split("?")[0]
        if request.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        if provider(request, path, body):
            return
        self.keep(request, path, body)
        reply(request, {})

    def keep(self, request, path, body):
        media_type = request.headers.get("Content-Type", "")
        suffix = "pb" if "protobuf" in media_type else "json"
        with self.lock:
            stem = path.rsplit("/", 1)[-1]
            again = sum(kept["path"] == path and kept["file"].endswith(suffix) for kept in self.requests)
            name = f"{stem}-{again + 1}.{suffix}" if again else f"{stem}.{suffix}"
            headers = {k.lower(): v for k, v in request.headers.items() if k.lower().startswith(("content-type", "ce-"))}
            self.requests.append({"file": name, "path": path, "headers": headers})
            self.folder.joinpath(name).write_bytes(body)


def read(request):
    if request.headers.get("Transfer-Encoding") != "chunked":
        return request.rfile.read(int(request.headers.get("Content-Length") or 0))
    parts = []
    while size := int(request.rfile.readline().strip() or b"0", 16):
        parts.append(request.rfile.read(size))
        request.rfile.readline()
    return b"".join(parts)


def provider(request, path, body):
    """Answers a provider's path; false for any other."""
    if path.endswith("/chat/completions"):
        asked = json.loads(body)
        if asked["model"] == "gpt-4.1-limited":
            fault = {"error": {"message": "slow down", "type": "requests", "code": "rate_limit_exceeded"}}
            reply(request, fault, status=429)
        elif asked.get("stream"):
            stream(request, [*chat_stream(), None])
        else:
            reply(request, CHAT)
    elif path.endswith("/responses"):
        if json.loads(body).get("stream"):
            stream(request, response_stream(), named=True)
        else:
            reply(request, RESPONSE)
    elif path.endswith("/embeddings"):
        reply(request, CANNED["embedding"])
    elif path.endswith("/v1/messages"):
        asked = json.loads(body)
        if asked.get("stream"):
            stream(request, message_stream(asked["model"]), named=True)
        else:
            reply(request, MESSAGE)
    elif path.endswith(":generateContent"):
        reply(request, CANNED["content"])
    elif path.endswith(":streamGenerateContent"):
        stream(request, [CANNED["content_stream"]])
    elif not path.startswith(("/otlp/", "/intake/", "/v1/")):
        reply(request, {})
    else:
        return False
    return True


def reply(request, value, status=200):
    send(request, status, "application/json", json.dumps(value).encode())


def stream(request, values, named=False):
    lines = []
    for value in values:
        if named:
            lines.append(f"event: {value['type']}\n")
        lines.append(f"data: {'[DONE]' if value is None else json.dumps(value)}\n\n")
    send(request, 200, "text/event-stream", "".join(lines).encode())


def send(request, status, media_type, body):
    request.send_response(status)
    request.send_header("Content-Type", media_type)
    request.send_header("Content-Length", str(len(body)))
    name = f"req_011Golden{next(REQUESTS):04}CXa7ZkLmNpQrStUv"
    request.send_header("request-id", name)
    request.send_header("x-request-id", name)
    request.end_headers()
    request.wfile.write(body)
