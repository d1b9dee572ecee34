"""Text, code and tables in GitHub's Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence


def text(plain: str) -> str:
    """Text that means nothing to Markdown, mentions nobody and refers to no issue."""
    escaped = re.sub(r"[\\`*_\[\]<>|~#$&@!]", lambda found: f"&#{ord(found[0])};", _one_line(plain))
    # GitHub looks for `@name` and `#1` in what is shown, whatever stands in the source.
    return re.sub(r"(&#(?:64|35);)", r"\1&#8203;", escaped)


def code(plain: str) -> str:
    """Text in a fixed-width font."""
    line = _one_line(plain)
    return f"<code>{text(line)}</code>" if re.search(r"[`|]", line) or not line else f"`{line}`"


def _one_line(plain: str) -> str:
    return re.sub(r"[\s\x00-\x1f\x7f]+", " ", plain).strip()


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; what is in it is Markdown already."""
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, ["---"] * len(head), *rows])
