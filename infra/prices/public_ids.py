"""Writes tests/public_ids.csv: every id of both public lists, with its standard prices per million tokens.

    python infra/prices/public_ids.py DATA_JSON LITELLM_JSON > infra/prices/tests/public_ids.csv

A line is `list,provider,id,input,output`, with the names that the list itself uses. Without prices of tokens both are
empty.
"""

import decimal
import json
import sys


def text(value):
    if value is None:
        return ""
    value = decimal.Decimal(str(value)).quantize(decimal.Decimal("0.000001")).normalize()
    return f"{value:f}"


def main():
    genai, litellm = (json.load(open(path), parse_float=decimal.Decimal) for path in sys.argv[1:3])
    print("list,provider,id,input,output")
    for provider in genai:
        for model in provider["models"]:
            prices = model["prices"]
            if isinstance(prices, list):
                dated = [row for row in prices if "start_time" not in row.get("constraint", {})]
                prices = dated[-1]["prices"]
            base = lambda price: price["base"] if isinstance(price, dict) else price
            rates = [text(base(prices.get(name))) for name in ("input_mtok", "output_mtok")]
            print("genai-prices", provider["id"], model["id"], *rates, sep=",")
    for key, entry in sorted(litellm.items()):
        if key != "sample_spec" and entry.get("litellm_provider"):
            per_million = lambda price: None if price is None else decimal.Decimal(str(price)) * 1_000_000
            rates = [text(per_million(entry.get(name))) for name in ("input_cost_per_token", "output_cost_per_token")]
            print("litellm", entry["litellm_provider"], key, *rates, sep=",")


main()
