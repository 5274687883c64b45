#!/usr/bin/env python3
"""Compares `fleetledger import claude-code` with ccusage, which reads the same files.

    cargo run -- --empty &                       # a stack of its own
    tests/intake/record/ccusage.py FOLDER TOKEN [URL]

FOLDER holds `projects/`, as ~/.claude does; without sessions in it a sample is written there. Prints tokens and cost of each
month by both, and exits with 1 if they differ in more than what is known:

- **Output.** ccusage counts the first line of a message, whose usage is that of the start of the stream where Claude Code
  wrote the message while it streamed. The import takes the last line, which is what is billed. On files whose lines all
  have the final usage, both are equal.
- **Cost.** ccusage prices all cache writes as writes for 5 minutes. The import prices those for an hour at twice the input.
  Web searches are fees that ccusage does not know.
- **Days.** ccusage cuts days in the zone of the machine, unless it is told `--timezone UTC`; Fleetledger in the
  organization's.
"""

import json
import os
import subprocess
import sys
import urllib.request
from pathlib import Path

# The last release that is written in JavaScript; later ones need a binary that not every registry has.
PACKAGE = "ccusage@18.0.11"
HOME = Path(os.environ.get("RECORD_HOME", Path(__file__).resolve().parents[3] / "target/live"))


def write_sample(folder, first_output):
    """28 days with 5 messages on 3 lines each, of which the last has all of the output."""
    project = folder / "projects/-home-ada-shop"
    project.mkdir(parents=True)
    for day in range(1, 29):
        lines = []
        for message in range(5):
            for line in range(3):
                usage = {"input_tokens": 100, "cache_creation_input_tokens": 2000, "cache_read_input_tokens": 10000}
                usage |= {"output_tokens": 1000 if line == 2 else first_output}
                said = {"id": f"msg_{day}_{message}", "role": "assistant", "model": "claude-sonnet-4-5-20250929", "usage": usage}
                said["content"] = [{"type": "text", "text": "hidden"}]
                at = f"2026-11-{day:02}T10:0{message}:0{line}.000Z"
                entry = {"type": "assistant", "sessionId": f"s-{day}", "cwd": "/home/ada/shop", "version": "2.1.4"}
                entry |= {"requestId": f"req_{day}_{message}", "timestamp": at, "message": said}
                lines.append(json.dumps(entry))
        project.joinpath(f"s-{day}.jsonl").write_text("\n".join(lines))


def by_ccusage(folder):
    tools = HOME / "ccusage"
    if not tools.exists():
        tools.mkdir(parents=True)
        tools.joinpath("package.json").write_text('{"private":true}')
        subprocess.run(["npm", "install", "--silent", "--ignore-scripts", PACKAGE], cwd=tools, check=True)
    command = ["npx", "ccusage", "monthly", "--json", "--offline", "--timezone", "UTC"]
    environment = {**os.environ, "CLAUDE_CONFIG_DIR": str(folder)}
    printed = subprocess.run(command, cwd=tools, env=environment, check=True, capture_output=True, text=True).stdout
    months = {}
    for month in json.loads(printed)["monthly"]:
        tokens_in = month["inputTokens"] + month["cacheCreationTokens"] + month["cacheReadTokens"]
        months[month["month"]] = (tokens_in, month["outputTokens"], round(month["totalCost"], 6))
    return months


def by_fleetledger(url, token, months):
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    found = {}
    for month in months:
        asked = urllib.request.Request(f"{url}/api/cost-analysis/by-model?month={month}", headers={"Authorization": f"Bearer {token}"})
        models = json.load(opener.open(asked))["models"]
        sums = [sum(model[name] for model in models) for name in ("inputTokens", "outputTokens", "totalCost")]
        found[month] = (sums[0], sums[1], round(sums[2], 6))
    return found


def main():
    folder, token = Path(sys.argv[1]).resolve(), sys.argv[2]
    url = sys.argv[3] if len(sys.argv) > 3 else "http://127.0.0.1:8080"
    if not folder.joinpath("projects").exists():
        write_sample(folder, first_output=int(os.environ.get("FIRST_OUTPUT", "1000")))
    theirs = by_ccusage(folder)
    ours = by_fleetledger(url, token, theirs)
    same = True
    for month, (tokens_in, tokens_out, cost) in theirs.items():
        print(f"{month}  ccusage      in {tokens_in}  out {tokens_out}  cost {cost}")
        print(f"{month}  fleetledger  in {ours[month][0]}  out {ours[month][1]}  cost {ours[month][2]}")
        same &= tokens_in == ours[month][0] and tokens_out <= ours[month][1]
    sys.exit(0 if same else 1)


if __name__ == "__main__":
    main()
