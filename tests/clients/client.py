"""Calls the API by the client that openapi-python-client generates."""

import os
import time
import uuid
from datetime import datetime, timedelta, timezone

from fleetledger_client import AuthenticatedClient
from fleetledger_client.api.activity import get_activity
from fleetledger_client.api.costs import get_costs_by_agent
from fleetledger_client.api.ingest import send_events
from fleetledger_client.api.registry import list_agents, put_agent
from fleetledger_client.api.usage import get_usage_report, get_usage_totals
from fleetledger_client.models import (
    AgentSettings,
    EventAgentActivity,
    EventAgentActivityData,
    EventComputeUsage,
    EventComputeUsageData,
    EventLlmCall,
    EventLlmCallData,
)

client = AuthenticatedClient(base_url=os.environ["API_URL"], token=os.environ["TOKEN"], raise_on_unexpected_status=True)
now = datetime.now(timezone.utc) - timedelta(minutes=1)


def envelope(kind):
    return {"specversion": "1.0", "id": str(uuid.uuid4()), "source": "python", "type_": kind, "time": now}


call = EventLlmCall(
    **envelope("llm.call"),
    data=EventLlmCallData(
        agent_id="python", provider="anthropic", model="claude-haiku-4-5", input_tokens=1_000_000, output_tokens=0
    ),
)
activity = EventAgentActivity(
    **envelope("agent.activity"), data=EventAgentActivityData(agent_id="python", event_type="tool_call")
)
compute = EventComputeUsage(
    **envelope("compute.usage"),
    data=EventComputeUsageData(
        project_id="site", instance_id="i-1", from_=now - timedelta(hours=1), to=now, cpu_cores=1, ram_gb=2, disk_gb=3,
        bandwidth_in_bytes=4, bandwidth_out_bytes=5,
    ),
)

batch = send_events.sync(client=client, body=[call, activity, compute])
assert (batch.accepted, batch.duplicates, batch.rejected) == (3, 0, []), batch
one = send_events.sync(client=client, body=call)
assert (one.accepted, one.duplicates) == (0, 1), one

put_agent.sync(client=client, id="python", body=AgentSettings(name="Python"))
agents = {agent.id: agent for agent in list_agents.sync(client=client).items}
assert agents["python"].name == "Python", agents

for _ in range(120):
    rows = [row for row in get_costs_by_agent.sync(client=client).agents if row.id == "python"]
    report = get_usage_report.sync(client=client)
    log = get_activity.sync(client=client, agent_id="python")
    if rows and rows[0].actual_cost and report.items and log.data:
        break
    time.sleep(0.5)
assert rows[0].actual_cost == 1, rows
assert report.totals.project_id == "" and {row.project_id for row in report.items} == {"site"}, report
assert get_usage_totals.sync(client=client).totals[0].cpu_core_hours == 1
assert {entry.event_type for entry in log.data} == {"tool_call", "config_change"}, log
print("python: ok")
