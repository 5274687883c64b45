"""LiteLLM's GenericAPILogger in its three formats: canned providers, a mock, a cache hit, a failure, an unknown price."""

import asyncio
import os

import litellm
from litellm.caching.caching import Cache
from litellm.integrations.generic_api.generic_api_callback import GenericAPILogger

CANNED = os.environ["CANNED"]
PROMPT = [{"role": "user", "content": "PLANTED-PROMPT"}]


async def logged(log_format, calls):
    """Makes the calls one after the other and sends what was logged."""
    # One batch, however slow the machine: the interval is longer than all calls.
    logger = GenericAPILogger(endpoint=f"{CANNED}/intake/{log_format}", log_format=log_format, flush_interval=600)
    litellm.callbacks = [logger]
    for call in calls:
        try:
            response = await litellm.acompletion(messages=PROMPT, **call)
            if call.get("stream"):
                async for _ in response:
                    pass
        except litellm.RateLimitError:
            pass
        await asyncio.sleep(1)
    await logger.async_send_batch()
    litellm.callbacks = []
    litellm.logging_callback_manager._reset_all_callbacks()


OPENAI = {"model": "openai/gpt-4.1-mini", "api_base": f"{CANNED}/openai/v1", "api_key": "none", "num_retries": 0}
ANTHROPIC = {"model": "anthropic/claude-sonnet-4-5", "api_base": f"{CANNED}/anthropic/v1/messages", "api_key": "none"}
GOOGLE = {"model": "gemini/gemini-2.5-flash", "api_base": f"{CANNED}/google", "api_key": "none"}
MOCK = {"model": "gpt-4.1-mini", "mock_response": "PLANTED-COMPLETION"}
LABELS = {
    "user": "user-7",
    "metadata": {
        "tags": ["team:growth", "nightly"],
        "user_api_key_alias": "planner",
        "user_api_key_team_alias": "research",
        "user_api_key_org_alias": "acme",
        "user_api_key_project_alias": "atlas",
        "spend_logs_metadata": {"feature": "summaries"},
    },
}


async def main():
    await logged(
        "json_array",
        [
            {**OPENAI, **LABELS},
            {**OPENAI, "stream": True, "stream_options": {"include_usage": True}},
            ANTHROPIC,
            GOOGLE,
            {**OPENAI, "model": "openai/gpt-4.1-limited"},
            {**OPENAI, "model": "openai/in-house-model"},
        ],
    )
    litellm.cache = Cache(type="local")
    await logged("ndjson", [{**MOCK, "caching": True}, {**MOCK, "caching": True}])
    litellm.cache = None
    await logged("single", [MOCK])


asyncio.run(main())
