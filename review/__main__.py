"""What a change will do to every environment: one Markdown comment, and one page of HTML.

    python -m review --base main

synthesises `main` and the working tree, without credentials and without network, and writes what differs.

Exit status: 0, nothing dangerous, or `--allow` names all that is; 3, something dangerous is not allowed; 1,
there is no review, and why; 2, the command line is wrong.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
import tempfile
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from review import pages, words
from review.checkout import ROOT, WORKING_TREE, CheckoutError, synthesise
from review.compare import compare
from review.contents import Contents
from review.model import Review, Side

NOT_ALLOWED = 3

_FOLDER = ROOT / "build" / "review"


def main(arguments: Sequence[str] | None = None) -> int:
    """Review, write, and say in short what was found; returns the exit status."""
    options = _options(arguments)
    try:
        with tempfile.TemporaryDirectory(prefix="review-") as folder:
            base, head = _sides(options.base, options.head, Path(folder))
            review = compare(base, head)
            _write(options.markdown, pages.markdown(review))
            _write(options.html, pages.html(review))
    except (CheckoutError, RuntimeError, ValueError) as error:
        print(f"There is no review: {error}", file=sys.stderr)
        return 1
    if options.json:
        written = json.dumps(dataclasses.asdict(review), ensure_ascii=False, indent=2)
        _write(options.json, f"{written}\n")
    print(words.verdict(Contents(review)))
    return _status(review, options.allow, [options.markdown, options.html])


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m review",
        description="What a change will do to every environment.",
        epilog="Exit status: 3 when something dangerous is not allowed, 1 when there is no review.",
    )
    parser.add_argument("--base", required=True, metavar="COMMIT", help="what is deployed, as in main")
    parser.add_argument(
        "--head", default=WORKING_TREE, metavar="COMMIT", help="what will be; the working tree if left out"
    )
    parser.add_argument(
        "--allow",
        action="extend",
        nargs="+",
        default=[],
        metavar="NAME",
        help="dangerous changes that are meant, as in nunchi-dev-training/Schedule/Retrain",
    )
    for name, suffix in (("markdown", "md"), ("html", "html")):
        file = _FOLDER / f"review.{suffix}"
        parser.add_argument(f"--{name}", type=Path, default=file, metavar="FILE", help="where to write it")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where to write the review as data")
    return parser.parse_args(arguments)


def _sides(base: str, head: str, folder: Path) -> tuple[Side, Side]:
    print(f"Synthesising {base} and {'the working tree' if head == WORKING_TREE else head}", file=sys.stderr)
    with ThreadPoolExecutor(2) as pool:
        before = pool.submit(synthesise, base, folder / "base")
        after = pool.submit(synthesise, head, folder / "head")
        return before.result(), after.result()


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


def _status(review: Review, allowed: Sequence[str], written: Iterable[Path]) -> int:
    dangers: dict[str, list[str]] = {}
    for environment in review.environments:
        for resource, danger in environment.dangers:
            dangers.setdefault(resource.name, []).append(danger.message)
    if unknown := sorted(set(allowed) - dangers.keys()):
        known = "".join(f"\n  {name}" for name in dangers) or " nothing is"
        print(
            f"--allow names what is not dangerous: {', '.join(unknown)}\nDangerous:{known}", file=sys.stderr
        )
        return 1
    missing = [name for name in dangers if name not in allowed]
    for name in missing:
        print(f"\n{name}", *dangers[name], sep="\n  ")
    if missing:
        print(f"\nNot allowed: {len(missing)}. Those that are meant pass with\n  --allow {' '.join(missing)}")
    for file in written:
        print(f"Written: {file.relative_to(ROOT) if file.is_relative_to(ROOT) else file}")
    return NOT_ALLOWED if missing else 0


if __name__ == "__main__":
    sys.exit(main())
