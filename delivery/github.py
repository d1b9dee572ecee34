"""Asking GitHub, through its own CLI. Standard library alone: workflows ask before they install anything."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any


def repository(query: str, **variables: str) -> dict[str, Any]:
    """What a GraphQL query says of the repository that the workflow (GH_REPO) or the checkout belongs to.

    Args:
        query: the fields of the repository; it may use `variables`, each declared in its first line.
        variables: a value of digits alone becomes a number.

    Raises:
        SystemExit: `gh` failed; what it said stands above.
    """
    fields = {"owner": "{owner}", "name": "{repo}", **variables}
    command = ["gh", "api", "graphql", "--raw-field", f"query={query}"]
    for name, value in fields.items():
        command += ["--field", f"{name}={value}"]
    try:
        answer = subprocess.run(command, check=True, stdout=subprocess.PIPE, encoding="utf-8").stdout
    except subprocess.CalledProcessError as error:
        sys.exit(f"gh api graphql ended with {error.returncode}: GitHub was not asked; see above")
    found: dict[str, Any] = json.loads(answer)["data"]["repository"]
    return found
