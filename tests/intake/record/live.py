#!/usr/bin/env python3
"""Runs real packages against canned.py and lets them report to a running stack, each report twice.

    tests/intake/record/live.py URL FOLDER SENDER=KEY...

Packages are installed below FOLDER, with the versions of record.py. What a sender exports goes through a proxy that passes
every request on twice, as a retry whose response was lost does, and answers with the second response.
"""

import os
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import record
from canned import Server, send

# Sender: (script, packages, how to install them).
SENDERS = {
    "otel": (*record.PYTHON["otel"], record.python),
    "openinference": (*record.PYTHON["openinference"], record.python),
    "litellm": ("live_litellm.py", record.PYTHON["litellm"][1], record.python),
    "ai-sdk": (*record.NODE["ai-sdk"], record.node),
}
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Doubling(Server):
    """Answers as the providers do, and passes everything else on to the stack, twice."""

    def __init__(self, stack):
        super().__init__(Path())
        self.stack, self.statuses = stack, []

    def answer(self, request):
        from canned import provider, read

        body = read(request)
        path = request.path.split("?")[0]
        plain = body
        if request.headers.get("Content-Encoding") == "gzip":
            import gzip

            plain = gzip.decompress(body)
        if provider(request, path, plain):
            return
        for _ in range(2):
            status, media_type, answer = self.forward(request, body)
            self.statuses.append(status)
        send(request, status, media_type, answer)

    def forward(self, request, body):
        names = ("content-type", "content-encoding", "authorization")
        headers = {name: value for name, value in request.headers.items() if name.lower() in names}
        try:
            forwarded = urllib.request.Request(self.stack + request.path, data=body, headers=headers, method="POST")
            with DIRECT.open(forwarded, timeout=60) as response:
                return response.status, response.headers["Content-Type"], response.read()
        except urllib.error.HTTPError as error:
            return error.code, error.headers["Content-Type"], error.read()


def run(stack, folder, sender, key):
    script, packages, install = SENDERS[sender]
    runtime, scripts = install(packages, folder / sender)
    proxy = Doubling(stack)
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "CANNED": proxy.url, **record.ENVIRONMENT}
    # What the README says, and nothing else.
    environment["OTEL_EXPORTER_OTLP_ENDPOINT"] = f"{proxy.url}/otlp"
    environment["OTEL_EXPORTER_OTLP_HEADERS"] = f"Authorization=Bearer%20{key}"
    environment["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf"
    environment["GENERIC_LOGGER_ENDPOINT"] = f"{proxy.url}/v1/intake/litellm"
    environment["GENERIC_LOGGER_HEADERS"] = f"Authorization=Bearer {key}"
    subprocess.run([runtime, scripts / script, sender], env=environment, check=True, timeout=180)
    assert proxy.statuses and set(proxy.statuses) == {200}, (sender, proxy.statuses)
    print(f"{sender}: {len(proxy.statuses)} requests", flush=True)


def main():
    stack, folder = sys.argv[1], Path(sys.argv[2]).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    for sender in sys.argv[3:]:
        name, key = sender.split("=", 1)
        run(stack, folder, name, key)


if __name__ == "__main__":
    main()
