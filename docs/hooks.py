"""What MkDocs does not do by itself for these pages, which are read in the repository as well."""

from __future__ import annotations

import logging
import posixpath
import re
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).resolve().parent.parent
_OUTWARD = re.compile(r"(?<!!)\[([^\]]+)\]\((\.\./[^)#]+)(#[^)]*)?\)")
# A warning in this logger fails `mkdocs build --strict`.
_log = logging.getLogger("mkdocs.hooks")


def on_page_markdown(markdown: str, *, page: Any, **_: Any) -> str:
    """Name the files that lie outside of docs/ in place of linking to them: the site has none of them."""

    def named(link: re.Match[str]) -> str:
        name = posixpath.normpath(f"docs/{page.file.src_uri}/../{link[2]}")
        if not (_ROOT / name).exists():
            _log.warning("%s links to %s, which is not there", page.file.src_uri, link[2])
        text = link[1].strip("`")
        return f"`{text}`" if text.strip("/") == name else f"{link[1]} (`{name}`)"

    return _OUTWARD.sub(named, markdown)


def on_page_content(html: str, *, page: Any, **_: Any) -> str:
    """Say of a Korean page that it is one: screen readers and hyphenation ask."""
    return f'<div lang="ko">{html}</div>' if page.file.src_uri.endswith(".ko.md") else html
