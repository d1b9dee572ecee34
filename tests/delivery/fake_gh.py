"""A stand-in for GitHub's CLI."""

from __future__ import annotations

from pathlib import Path

from tests.scripts import write_executable

SCRIPT = """
import json, os, pathlib, sys
here = pathlib.Path(__file__).parent
with (here / "calls").open("a", encoding="utf-8") as calls:
    calls.write(json.dumps(sys.argv[1:], ensure_ascii=False) + "\\n")
answers = json.loads((here / "answers.json").read_text(encoding="utf-8"))
for words, answer in answers.items():
    if words in " ".join(sys.argv[1:]):
        print(answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False))
        break
else:
    sys.exit("gh: HTTP 403: Resource not accessible by integration")
"""


def install(folder: Path) -> Path:
    """Put `gh` into `folder`; it answers by `answers.json` there, and notes its arguments in `calls`."""
    write_executable(folder / "gh", SCRIPT)
    return folder
