"""LiteLLM's own logger, told by two environment variables where to report."""

import asyncio
import os

import litellm
from litellm.integrations.generic_api.generic_api_callback import GenericAPILogger

CANNED = os.environ["CANNED"]
PROMPT = [{"role": "user", "content": "PLANTED-PROMPT"}]


async def main():
    litellm.callbacks = [GenericAPILogger()]
    models = {
        "openai/gpt-4.1-mini": f"{CANNED}/openai/v1",
        "anthropic/claude-sonnet-4-5": f"{CANNED}/anthropic/v1/messages",
    }
    for model, base in models.items():
        await litellm.acompletion(model=model, api_base=base, api_key="none", num_retries=0, messages=PROMPT)
    # The logger sends what it has every few seconds.
    await asyncio.sleep(15)


asyncio.run(main())
