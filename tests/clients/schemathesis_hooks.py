"""Leaves out requests whose validity no schema can say, and lets only one thread at a time build syntax trees."""

import ast
import threading

import schemathesis

# Python 3.11 counts the depth of a syntax tree for all threads together. A garbage collection in the middle of one can let
# another thread start, and then both fail with "AST constructor recursion depth mismatch".
parse = ast.parse
parsing = threading.RLock()


def parse_alone(*arguments, **options):
    with parsing:
        return parse(*arguments, **options)


ast.parse = parse_alone


@schemathesis.hook
def filter_case(context, case):
    """A cursor is the text of an earlier response: any other is refused. `tests/every_route/lists.rs` walks them.

    A body that is not compressed does not become so by a header.
    """
    query = case.query or {}
    headers = {name.lower(): value for name, value in (case.headers or {}).items()}
    body = case.body if isinstance(case.body, dict) else {}
    return "cursor" not in query and "cursor" not in body and "content-encoding" not in headers
