"""How long a reviewer waits: the synthesis of every environment, judged by every rule pack.

    .venv/bin/python benchmarks/synth.py --json build/synth.json

Each figure is the median over the runs of whole processes, Python's start and end included, as the CDK CLI
starts them, with the CDK's own template validator off. A first run that is not counted warms the disk.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

IMPORTS = "import app"
CONSTRUCTS = """
import aws_cdk as cdk
import app
from stacks.settings_file import load_all

without_packs = cdk.App()
for settings in load_all(app.CONFIG):
    app.add_environment(without_packs, settings)
without_packs.synth()
"""
ALL = "import app; app.main()"


def seconds(code: str, assembly: Path) -> float:
    """Run Python code as the CDK CLI runs the application; returns the time on the wall.

    Raises:
        SystemExit: it failed; what it said stands above.
    """
    context = json.loads((ROOT / "cdk.json").read_text(encoding="utf-8"))["context"]
    environment = {
        **os.environ,
        "CDK_CONTEXT_JSON": json.dumps(context),
        "CDK_OUTDIR": str(assembly),
        "CDK_VALIDATION": "false",
        "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "20",
    }
    started = time.perf_counter()
    finished = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment)
    taken = time.perf_counter() - started
    if finished.returncode:
        sys.exit("the synthesis failed: nothing was measured")
    return taken


def counts(assembly: Path) -> dict[str, int]:
    """What was synthesised: stacks, resources, findings that are acknowledged (of one construct each)."""
    manifest = json.loads((assembly / "manifest.json").read_text(encoding="utf-8"))
    stacks = [
        name
        for name, artifact in manifest["artifacts"].items()
        if artifact["type"] == "aws:cloudformation:stack"
    ]
    resources, acknowledged = 0, set()
    for name in stacks:
        template = json.loads((assembly / f"{name}.template.json").read_text(encoding="utf-8"))
        metadata = json.loads((assembly / f"{name}.metadata.json").read_text(encoding="utf-8"))
        resources += len(template["Resources"])
        acknowledged |= {
            (path, finding)
            for path, entries in metadata.items()
            for entry in entries
            if entry["type"] == "aws:cdk:acknowledged-rules"
            for finding in entry["data"]
        }
    return {"stacks": len(stacks), "resources": resources, "acknowledgements": len(acknowledged)}


def measure(runs: int) -> dict[str, float | int]:
    """The medians of `runs` rounds of the three codes one after the other, and the counts."""
    taken: dict[str, list[float]] = {code: [] for code in (IMPORTS, CONSTRUCTS, ALL)}
    with tempfile.TemporaryDirectory() as folder:
        assembly = Path(folder) / "cdk.out"
        seconds(ALL, assembly)
        for number in range(runs):
            for code, times in taken.items():
                times.append(seconds(code, assembly))
            print(f"run {number + 1} of {runs}: {taken[ALL][-1]:.2f} s", file=sys.stderr)
        imports, constructs, warm = (statistics.median(times) for times in taken.values())
        return {
            "warm_seconds": round(warm, 3),
            "imports_seconds": round(imports, 3),
            "constructs_seconds": round(constructs - imports, 3),
            "rules_seconds": round(warm - constructs, 3),
            **counts(assembly),
        }


def main() -> None:
    """Measure, print, and write what was measured if asked to."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", type=Path, metavar="FILE", help="where to write the figures")
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    figures = measure(arguments.runs)
    for name, value in figures.items():
        print(f"{name:20} {value:>8}")
    if arguments.json:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
