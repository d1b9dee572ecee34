"""The commit that each environment runs, by GitHub's own record of deployments, as a matrix of a workflow.

    python -m delivery.running dev staging prod

It is the newest deployment that succeeded. An environment that was never deployed is left out.
"""

from __future__ import annotations

import argparse
import json

from delivery import github

_QUERY = """
query($owner: String!, $name: String!, $environment: String!) {
  repository(owner: $owner, name: $name) {
    deployments(environments: [$environment], first: 100, orderBy: {field: CREATED_AT, direction: DESC}) {
      nodes { commitOid latestStatus { state } }
    }
  }
}
"""


def running(environment: str) -> str | None:
    """The commit that `environment` runs."""
    for deployment in github.repository(_QUERY, environment=environment)["deployments"]["nodes"]:
        if deployment["latestStatus"] and deployment["latestStatus"]["state"] == "SUCCESS":
            return str(deployment["commitOid"])
    return None


def main() -> None:
    """Ask GitHub, and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("environment", nargs="+")
    found = {name: running(name) for name in parser.parse_args().environment}
    print(json.dumps([{"environment": name, "commit": commit} for name, commit in found.items() if commit]))


if __name__ == "__main__":
    main()
