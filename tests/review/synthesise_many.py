"""Synthesises copies of the repository one after the other: pairs of source and assembly as JSON on stdin."""

from __future__ import annotations

import importlib
import json
import os
import sys
from contextlib import suppress
from pathlib import Path

os.environ["CDK_VALIDATION"] = "false"
os.environ["JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION"] = "20"

import aws_cdk as cdk


def synthesise(source: str, assembly: str) -> None:
    """Run the application of `source`, not the one that ran before it."""
    for name in [name for name in sys.modules if name == "app" or name.partition(".")[0] == "stacks"]:
        del sys.modules[name]
    sys.path[0] = source
    application = importlib.import_module("app")
    load_all = importlib.import_module("stacks.settings_file").load_all
    context = json.loads((Path(source) / "cdk.json").read_text(encoding="utf-8"))["context"]
    app = application.build(cdk.App(context=context, outdir=assembly), load_all(application.CONFIG))
    # Findings stop the synthesis after it has written all.
    with suppress(RuntimeError):
        app.synth()


if __name__ == "__main__":
    for place in json.load(sys.stdin):
        synthesise(*place)
