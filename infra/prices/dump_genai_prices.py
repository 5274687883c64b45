"""Writes the data of the installed genai-prices wheel in the format of its repository's prices/data.json.

    pip install genai-prices
    python infra/prices/dump_genai_prices.py > data.json

Prices are written as JSON strings, which the importer reads like numbers, so that no digit is lost.
"""

import dataclasses
import datetime
import decimal
import json
import sys

from genai_prices import types
from genai_prices.data import providers


def plain(value):
    if isinstance(value, types.ModelPrice):
        return {key: plain(price) for key, price in value.__dict__.items() if price is not None}
    if dataclasses.is_dataclass(value):
        fields = [field.name for field in dataclasses.fields(value) if not field.name.startswith("_")]
        values = {name: getattr(value, name, None) for name in fields}
        return {name.rstrip("_"): plain(field) for name, field in values.items() if field is not None}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, decimal.Decimal):
        return str(value)
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    return value


data = plain(providers)
for provider in data:
    provider.pop("extractors", None)
json.dump(data, sys.stdout, indent=1)
