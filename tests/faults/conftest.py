"""Two AWS's with an environment each, deployed once."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from localaws import LocalAws
from tests.end_to_end.deployment import Deployment
from tests.faults.journeys import GROUPS
from tests.faults.laboratory import Laboratory, application


@pytest.fixture(scope="session")
def laboratories(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Laboratory]]:
    """One for each group of journeys."""
    app, assembly = application(tmp_path_factory.mktemp("faults")), tmp_path_factory.mktemp("faults") / "out"
    with ExitStack() as stack, ThreadPoolExecutor() as pool:
        # While they start, and no longer: another test's server would wait as little.
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("SFN_WAIT_SCALE", "0.001")
            servers = [stack.enter_context(LocalAws.start()) for _ in GROUPS]
        _synthesise(servers[0], app, assembly)
        made = list(pool.map(lambda server: Laboratory(server, assembly), servers))
        yield made
        for laboratory in made:
            laboratory.client.stop()


def _synthesise(server: LocalAws, app: Path, assembly: Path) -> None:
    Deployment(server, assembly, app=app).cdk("synth", "--quiet", "--output", str(assembly))
