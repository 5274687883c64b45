"""Compares the price book with the calculators of genai-prices and LiteLLM.

    pip install genai-prices litellm
    cargo build -p prices --example price
    python infra/prices/compare.py [--calls 10000] [--seed 1] [--all]

First direction: random calls of the book's models, priced by the book, by genai-prices and by LiteLLM. Second
direction: random models of both lists, looked up in the book under the names that the lists use. Each difference is one
line with the three prices and, if known, who is right. Equal means equal to a millionth of the price.
"""

import argparse
import collections
import csv
import datetime
import decimal
import json
import os
import pathlib
import random
import subprocess
import warnings

os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
warnings.filterwarnings("ignore")

import genai_prices.data_snapshot  # noqa: E402
import litellm  # noqa: E402
from genai_prices import Usage  # noqa: E402
from litellm.litellm_core_utils.llm_cost_calc import utils as cost  # noqa: E402
from litellm.types.utils import (  # noqa: E402
    CacheCreationTokenDetails,
    CompletionTokensDetailsWrapper,
    PromptTokensDetailsWrapper,
    Usage as LiteLLMUsage,
)

litellm.suppress_debug_info = True
import logging  # noqa: E402
logging.disable(logging.CRITICAL)

ROOT = pathlib.Path(__file__).resolve().parents[2]
DATA = ROOT / "shared/ledger/data"
AT = datetime.datetime(2026, 11, 27, 12, 0, tzinfo=datetime.UTC)
cost.current_billing_time = lambda: AT


def lines(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(line for line in file if not line.startswith("#")))


PROVIDERS = {line["provider"]: line for line in lines(DATA / "providers.csv")}


def names(provider):
    """All names of a provider, given one of them."""
    for known in PROVIDERS.values():
        every = [known["provider"]] + known["names"].split("|")
        if provider in every:
            return [provider] + every
    return [provider]


SNAPSHOT = genai_prices.data_snapshot.get_snapshot()
GENAI = {provider.id: provider for provider in SNAPSHOT.providers}


def by_genai(call):
    """The price of genai-prices, or None if it lacks the model or a price for a part of the call."""
    provider = next((GENAI[name] for name in names(call["provider"]) if name in GENAI), None)
    model = provider and provider.find_model(call["model"])
    if not model:
        return None
    get = lambda name: call.get(name, 0)
    writes = get("cache_write_5m_tokens") + get("cache_write_1h_tokens")
    usage = {
        "input_tokens": get("input_tokens") + get("cache_read_tokens") + writes,
        "output_tokens": get("output_tokens"),
        "cache_read_tokens": get("cache_read_tokens"),
        "cache_write_tokens": writes,
        "input_audio_tokens": get("input_audio_tokens"),
        "output_audio_tokens": get("output_audio_tokens"),
    }
    if get("cache_write_1h_tokens"):
        usage["cache_write_1h_tokens"] = get("cache_write_1h_tokens")
    context = {
        "batch": {"processing": "batch"},
        "flex": {"service_tier": "flex"},
        "priority": {"service_tier": "priority"},
        "fast": {"service_tier": "fast", "speed": "fast"},
    }.get(call.get("service_tier"))
    if context and not any(variant.when.items() <= context.items() for variant in model.price_variants or ()):
        return None
    price = model.get_prices(AT, context)
    if call["input_tokens"] and price.input_mtok is None or call["output_tokens"] and price.output_mtok is None:
        return None
    if writes and price.cache_write_mtok is None or get("cache_write_1h_tokens") and price.cache_write_1h_mtok is None:
        return None
    if get("input_audio_tokens") and price.input_audio_mtok is None:
        return None
    try:
        return price.calc_price(Usage(**usage))["total_price"]
    except Exception:
        return None


def by_litellm(call):
    """The price of LiteLLM's calculator, or None if it lacks the model."""
    get = lambda name: call.get(name, 0)
    tier = call.get("service_tier")
    for name in call.get("litellm_names") or names(call["provider"]):
        for model in {call["model"], f"{name}/{call['model']}"}:
            entry = litellm.model_cost.get(model)
            if not entry or entry.get("litellm_provider") != name:
                continue
            if "input_cost_per_token" not in entry and "tiered_pricing" not in entry:
                continue
            if get("cache_write_5m_tokens") and entry.get("cache_creation_input_token_cost") is None:
                return None
            if get("cache_write_1h_tokens") and entry.get("cache_creation_input_token_cost_above_1hr") is None:
                return None
            if get("input_audio_tokens") and entry.get("input_cost_per_audio_token") is None:
                return None
            if call["output_tokens"] and "output_cost_per_token" not in entry and "tiered_pricing" not in entry:
                return None
            if tier and f"input_cost_per_token_{'batches' if tier == 'batch' else tier}" not in entry:
                return None
            prompt = get("input_tokens") + get("cache_read_tokens")
            prompt += get("cache_write_5m_tokens") + get("cache_write_1h_tokens")
            usage = LiteLLMUsage(
                prompt_tokens=prompt,
                completion_tokens=call["output_tokens"],
                total_tokens=prompt + call["output_tokens"],
                prompt_tokens_details=PromptTokensDetailsWrapper(
                    cached_tokens=get("cache_read_tokens"),
                    audio_tokens=get("input_audio_tokens"),
                    cache_creation_tokens=get("cache_write_5m_tokens") + get("cache_write_1h_tokens"),
                    cache_creation_token_details=CacheCreationTokenDetails(
                        ephemeral_5m_input_tokens=get("cache_write_5m_tokens"),
                        ephemeral_1h_input_tokens=get("cache_write_1h_tokens"),
                    ),
                    text_tokens=get("input_tokens") - get("input_audio_tokens"),
                ),
                completion_tokens_details=CompletionTokensDetailsWrapper(text_tokens=call["output_tokens"]),
            )
            try:
                if tier == "batch":
                    rates = cost.get_batch_cost_rates(entry, usage, name)
                    write_1h = rates.cache_creation_rates_by_ttl.get("1hr", rates.cache_creation)
                    parts = [
                        (get("input_tokens"), rates.input),
                        (get("cache_read_tokens"), rates.cache_read),
                        (get("cache_write_5m_tokens"), rates.cache_creation),
                        (get("cache_write_1h_tokens"), write_1h),
                        (call["output_tokens"], rates.output),
                    ]
                    if any(tokens and rate is None for tokens, rate in parts):
                        return None
                    return sum(decimal.Decimal(str(rate or 0)) * tokens for tokens, rate in parts)
                a, b = cost.generic_cost_per_token(
                    model=model, usage=usage, custom_llm_provider=name, service_tier=tier
                )
                return decimal.Decimal(str(a + b))
            except Exception:
                return None
    return None


def by_book(calls):
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    text = "\n".join(json.dumps({**call, "time": AT.isoformat()}) for call in calls)
    run = subprocess.run([target / "debug/examples/price"], input=text, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in run.stdout.splitlines()]


def tokens(rng):
    long = rng.random() < 0.15
    call = {
        "input_tokens": rng.randrange(300_000) if long else rng.randrange(20_000),
        "output_tokens": rng.randrange(5_000),
    }
    if rng.random() < 0.5:
        call["cache_read_tokens"] = rng.randrange(50_000)
    return call


def book_calls(rng, count):
    models = []
    rows = collections.defaultdict(list)
    for path in sorted((DATA / "prices").glob("*.csv")):
        for line in lines(path):
            rows[path.stem, line["model"]].append(line)
    for path in sorted((DATA / "models").glob("*.csv")):
        for line in lines(path):
            own = rows[path.stem, line["priced_as"] or line["model"]]
            if any("input=" in row["rates"] for row in own):
                models.append((path.stem, line["model"], own))
    calls = []
    for _ in range(count):
        provider, model, own = rng.choice(models)
        call = {"provider": provider, "model": model, **tokens(rng)}
        tiers = [row["tier"] for row in own if row["tier"] in ("batch", "flex", "priority", "fast") and not row["to"]]
        row = own[-1]
        if tiers and rng.random() < 0.3:
            call["service_tier"] = rng.choice(tiers)
        if "cache_write_5m=" in row["rates"] and rng.random() < 0.4:
            call["cache_write_5m_tokens"] = rng.randrange(20_000)
        if "cache_write_1h=" in row["rates"] and rng.random() < 0.4:
            call["cache_write_1h_tokens"] = rng.randrange(20_000)
        if "input_audio=" in row["rates"] and rng.random() < 0.3:
            call["input_audio_tokens"] = rng.randrange(call["input_tokens"] + 1)
        if not any("output=" in row["rates"] for row in own):
            call["output_tokens"] = 0
        calls.append(call)
    return calls


def their_calls(rng, count):
    calls = []
    models = [(provider.id, model.id) for provider in SNAPSHOT.providers for model in provider.models]
    for provider, model in rng.sample(models, min(count, len(models))):
        calls.append({"provider": provider, "model": model, **tokens(rng)})
    keys = [key for key, entry in litellm.model_cost.items() if entry.get("input_cost_per_token") is not None]
    for key in rng.sample(sorted(keys), min(count, len(keys))):
        name = litellm.model_cost[key].get("litellm_provider")
        if name and key != "sample_spec":
            calls.append({"provider": name, "model": key, "litellm_names": [name], **tokens(rng)})
    for call in calls:
        name = call.get("litellm_names")
        if name and "output_cost_per_token" not in litellm.model_cost[call["model"]]:
            call["output_tokens"] = 0
    return calls


def equal(a, b):
    a, b = decimal.Decimal(a), decimal.Decimal(b)
    return abs(a - b) <= max(a, b) * decimal.Decimal("0.000001") + decimal.Decimal("1e-12")


def verdict(call, ours, theirs, name):
    """Who is right about a difference, if the lists themselves show it."""
    price, book = theirs[name], decimal.Decimal(ours["cost"])
    if ours["unpriced"]:
        return "the book has no price"
    if any(other != name and value is not None and equal(value, book) for other, value in theirs.items()):
        return "the book: the other list agrees with it"
    if abs(price - book) <= book * decimal.Decimal("0.002"):
        return "the book: rounding of prices, or of a currency"
    if call.get("cache_read_tokens"):
        without = {**call, "cache_read_tokens": 0}
        again = by_book([without])[0]["cost"]
        if equal(again, (by_genai if name == "genai-prices" else by_litellm)(without) or 0):
            return "the book: it has a price for cache reads that the list lacks"
    if name == "litellm":
        # The list's names have a prefix for the provider, which genai-prices does not accept.
        first, _, rest = call["model"].partition("/")
        bare = {**call, "model": rest} if rest and first in names(call["provider"]) + [call["provider"]] else call
        if (again := by_genai(bare)) is not None and equal(again, book):
            return "the book: the other list agrees with it"
    others = [value for value in (by_genai(call), by_litellm(call)) if value is not None]
    if len(others) == 2 and not equal(*others):
        return "the lists disagree: see preferences.csv"
    return "open"


def compare(title, calls, only=None):
    print(f"\n# {title}: {len(calls)} calls")
    tally = collections.Counter()
    seen = {}
    for call, ours in zip(calls, by_book(calls)):
        theirs = {"genai-prices": by_genai(call), "litellm": by_litellm(call)}
        if only:
            asked = "litellm" if call.get("litellm_names") else "genai-prices"
            theirs = {asked: theirs[asked]}
        for name, price in theirs.items():
            if price is None:
                tally[name, "not known"] += 1
            elif ours["unpriced"]:
                tally[name, "unpriced by the book"] += 1
                seen.setdefault((call["provider"], call["model"], name), (call, ours, theirs))
            elif equal(price, ours["cost"]) or equal(price, decimal.Decimal(ours["cost"]) - decimal.Decimal(ours["units"])):
                tally[name, "equal"] += 1
            else:
                tally[name, "differs"] += 1
                seen.setdefault((call["provider"], call["model"], name), (call, ours, theirs))
    for (name, what), count in sorted(tally.items()):
        print(f"{name:13} {what:21} {count}")
    for name in ("genai-prices", "litellm"):
        known = sum(count for (own, what), count in tally.items() if own == name and what != "not known")
        if known:
            print(f"{name:13} equal of those known   {100 * tally[name, 'equal'] / known:.2f} %")
    for (provider, model, name), (call, ours, theirs) in sorted(seen.items()):
        others = " ".join(f"{other}={price}" for other, price in theirs.items())
        shown = {key: value for key, value in call.items() if key not in ("provider", "model", "litellm_names")}
        print(f"  {provider}/{model}: {name} differs ({verdict(call, ours, theirs, name)}); book={ours['cost']} ({ours['row'] or ours['unpriced']}) {others} {shown}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    rng = random.Random(args.seed)
    compare("Random calls of the book's models", book_calls(rng, args.calls))
    compare("Random models of theirs", their_calls(rng, 1500), only=True)


main()
