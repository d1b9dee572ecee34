"""The application: reads the environments, builds their stacks, adds the rule packs."""

import sys
from pathlib import Path
from typing import Any

import aws_cdk as cdk
from cdk_nag import AwsSolutionsChecks

from stacks.serving import ServingStack
from stacks.settings import Settings, SettingsError, load
from stacks.storage import StorageStack
from stacks.training import TrainingStack

CONFIG = Path(__file__).resolve().parent / "config"


def build(environments: list[Settings], *, context: dict[str, Any] | None = None) -> cdk.App:
    """The application with the stacks of `environments`, and its rule packs."""
    app = cdk.App(context=context)
    for settings in environments:
        storage = StorageStack(app, settings)
        training = TrainingStack(app, settings, storage=storage)
        ServingStack(app, settings, training=training)
    cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    return app


if __name__ == "__main__":
    try:
        environments = [load(path) for path in sorted(CONFIG.glob("*.yaml"))]
    except SettingsError as error:
        sys.exit(str(error))
    build(environments).synth()
