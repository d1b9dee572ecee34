"""Which dangers of a pull request its reviewers let pass: the names, one a line.

    python -m delivery.allowed NUMBER COMMIT

A reviewer lets dangers pass in the words of an approval: lines `--allow NAME ...`, as the review shows them.
The approval counts while it is the reviewer's latest word and is of the very commit that is reviewed, and
if the reviewer may write to the repository. GitHub takes no approval from a pull request's author.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable
from typing import Any

from delivery import github

_QUERY = """
query($owner: String!, $name: String!, $number: Int!) {
  repository(owner: $owner, name: $name) {
    pullRequest(number: $number) {
      latestOpinionatedReviews(first: 100, writersOnly: true) {
        nodes { state body commit { oid } }
      }
    }
  }
}
"""
_NAME = r"nunchi-[a-z0-9]+-[a-z]+/\S+"
_LINE = re.compile(rf"(?:--allow(?: +{_NAME})+ *)+")


def allowed(reviews: Iterable[dict[str, Any]], commit: str) -> list[str]:
    """The names in the approvals of `commit`, sorted."""
    lines = (
        line.strip().strip("`")
        for review in reviews
        if review["state"] == "APPROVED" and review["commit"] and review["commit"]["oid"] == commit
        for line in review["body"].splitlines()
    )
    return sorted({name for line in lines if _LINE.fullmatch(line) for name in re.findall(_NAME, line)})


def main() -> None:
    """Ask GitHub, and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("number", help="of the pull request")
    parser.add_argument("commit", help="the last one of the pull request, in full")
    arguments = parser.parse_args()
    found = github.repository(_QUERY, number=arguments.number)
    reviews = found["pullRequest"]["latestOpinionatedReviews"]["nodes"]
    for name in allowed(reviews, arguments.commit):
        print(name)


if __name__ == "__main__":
    main()
