"""How fast a model answers on a CPU: the toolkit's default handler, the workshops' handler, and ours.

    NSMC_DIR=... .venv/bin/python benchmarks/serving.py --json build/serving.json

The sides take turns in one run, so that what else the machine does meets them all: first in processes of
their own, without a server, then behind SageMaker's inference toolkit and its model server. The model has the
shape of KoELECTRA-small-v3; it is trained first, once (build/benchmarks/serving keeps it).
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tarfile
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

# Started as a script, Python looks for modules beside it, not in the folder above.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import serving_archives as archives
from benchmarks.serving_direct import Row, Worker
from benchmarks.serving_figures import Side, figures, table
from benchmarks.serving_toolkit import Served
from tests.toolkit.server import TOOLKIT, ToolkitServer

KEPT = archives.ROOT / "build" / "benchmarks" / "serving"
ROUNDS = 5
COLD_STARTS = 3
LIST = 1_000
"""Texts in a request of many: in `ROUNDS` rounds, the rows that int8's loss of accuracy is measured on."""
WARM_UP = 20
"""Requests to each server that are not counted."""

_BEGAN = time.monotonic()


def say(line: str) -> None:
    """Print a line of progress."""
    print(f"[{time.monotonic() - _BEGAN:4.0f} s] {line}", file=sys.stderr, flush=True)


def make_sides() -> list[Side]:
    """Return the sides; their archives are made of the model that is kept, or trained now."""
    trained = KEPT / "trained"
    if trained.is_dir():
        say(f"the model that an earlier run trained: {trained} (remove it to train anew)")
    else:
        say(f"training a model of KoELECTRA-small's shape on NSMC, once, for {trained}: 2 minutes or so")
        trained.parent.mkdir(parents=True, exist_ok=True)
        archives.train(trained)
    say("packing the archives")
    workshop = archives.HANDLERS / "workshop"
    sides = [
        Side("default", "the toolkit's default handler", single=80, bulk=200),
        Side("workshop", "the workshops' handler", single=30, bulk=30),
        Side("pytorch", "ours, by PyTorch", single=80, bulk=LIST),
        Side("optimised", "ours, by ONNX Runtime int8", single=80, bulk=LIST),
    ]
    for side, code in zip(sides, (None, workshop, archives.ROOT / "inference_code"), strict=False):
        side.archive = KEPT / f"{side.name}.tar.gz"
        archives.pack(trained / "model", side.archive, code)
    say("optimising the archive with optimise.py")
    sides[3].archive = KEPT / "optimised.tar.gz"
    archives.optimise(sides[2].archive, trained / "validation.jsonl", sides[3].archive)
    return sides


def measure_direct(sides: Sequence[Side], rows: Sequence[Row], folder: Path) -> None:
    """Measure the handlers, each in processes of their own: rounds of requests, and cold starts."""
    for side in sides:
        with tarfile.open(side.archive) as tar:
            tar.extractall(folder / side.name, filter="data")

    def start(side: Side) -> Worker:
        code = folder / side.name / "code"
        worker = Worker(
            code if code.is_dir() else archives.HANDLERS / side.name, code.parent, folder / f"{side.name}.log"
        )
        side.direct.cold_starts.append(worker.cold_start)
        return worker

    with ExitStack() as stack:
        say("starting the handlers")
        workers = []
        for side in sides:
            workers.append(start(side))
            stack.callback(workers[-1].stop)
        for number in range(ROUNDS):
            say(f"requests for one text and for lists: round {number + 1} of {ROUNDS}")
            single, bulk = rows[(ROUNDS + number) * LIST :], rows[number * LIST :]
            for side, worker in zip(sides, workers, strict=True):
                side.direct.add(worker, single[: side.single], bulk[: side.bulk])
    for number in range(1, COLD_STARTS):
        say(f"cold starts: {number + 1} of {COLD_STARTS}")
        for side in sides:
            start(side).stop()


def measure_served(sides: Sequence[Side], rows: Sequence[Row], folder: Path) -> None:
    """Measure the archives behind the toolkit's model server: its start, and rounds of requests."""
    texts = [row["text"] for row in rows]
    with ExitStack() as stack:
        servers = []
        for side in sides:
            say(f"starting SageMaker's model server: {side.title}")
            server = ToolkitServer(side.archive, folder / f"{side.name} server")
            stack.callback(server.stop)
            side.served = Served(server)
            side.served.ask(texts[:WARM_UP])
            servers.append(server)
        for number in range(ROUNDS):
            say(f"requests over HTTP: round {number + 1} of {ROUNDS}")
            for side in sides:
                assert side.served
                side.served.single += side.served.ask(texts[number * LIST :][: side.single])


def main() -> None:
    """Measure, print, and write what was measured if asked to."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", type=Path, metavar="FILE", help="where to write the figures")
    arguments = parser.parse_args()
    load = os.getloadavg()[0]
    if load > 0.5:
        say(f"the machine is busy (load {load:.1f}): the ratios hold, the times do not")
    try:
        sides = make_sides()
    except ValueError as error:
        sys.exit(str(error))
    with (KEPT / "trained" / "test.jsonl").open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        measure_direct(sides, rows, folder)
        if (TOOLKIT / "made").exists():
            measure_served(sides, rows, folder)
        else:
            say("SageMaker's model server is not installed, so not measured: make .venv-toolkit/made")
    measured = {"load": load, **figures(sides)}
    print(table(measured))
    if arguments.json:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        arguments.json.write_text(json.dumps(measured, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
