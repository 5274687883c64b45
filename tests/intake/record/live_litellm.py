"""LiteLLM, told by its own name of the callback and two environment variables where to report."""

import asyncio
import os

import litellm

CANNED = os.environ["CANNED"]
PROMPT = [{"role": "user", "content": "PLANTED-PROMPT"}]

litellm.callbacks = ["generic_api"]


async def main():
    models = {
        "openai/gpt-4.1-mini": f"{CANNED}/openai/v1",
        "anthropic/claude-sonnet-4-5": f"{CANNED}/anthropic/v1/messages",
    }
    for model, base in models.items():
        await litellm.acompletion(model=model, api_base=base, api_key="none", num_retries=0, messages=PROMPT)
    # The callback sends what it has every few seconds.
    await asyncio.sleep(15)


asyncio.run(main())
