"""JSONata as Step Functions reads it: a string `{% … %}` is an expression, any other a literal.

https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html
"""

from __future__ import annotations

import json
from typing import Any


def query(source: str) -> str:
    """The JSONata expression `source`, as a string of a state's definition."""
    return f"{{% {source} %}}"


def source(value: Any) -> str:
    """JSONata that builds `value`, in which strings made by `query` stay expressions."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)}: {source(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(source, value)) + "]"
    if isinstance(value, str) and value.startswith("{%"):
        return f"({value[2:-2].strip()})"
    return json.dumps(value, ensure_ascii=False)


def with_optional(always: list[Any], optional: Any, *, unless: str) -> str:
    """The list `always`, and `optional` at its end unless the condition `unless` holds."""
    return query(f"$append({source(always)}, {unless} ? [] : {source([optional])})")
