"""The application: reads the environments, builds their stacks, adds the rule packs."""

import sys
from pathlib import Path

import aws_cdk as cdk
from cdk_nag import AwsSolutionsChecks, HIPAASecurityChecks, NIST80053R5Checks, PCIDSS321Checks

from stacks.monitoring import MonitoringStack
from stacks.network import NetworkStack
from stacks.serving import ServingStack
from stacks.settings import Settings
from stacks.settings_file import SettingsError, load_all
from stacks.storage import StorageStack
from stacks.training import TrainingStack

CONFIG = Path(__file__).resolve().parent / "config"


def build(app: cdk.App, environments: list[Settings]) -> cdk.App:
    """Add the stacks of `environments` to `app`, and the rule packs that judge them."""
    for settings in environments:
        add_environment(app, settings)
    cdk.Validations.of(app).add_plugins(
        AwsSolutionsChecks(app), NIST80053R5Checks(app), PCIDSS321Checks(app), HIPAASecurityChecks(app)
    )
    return app


def add_environment(app: cdk.App, settings: Settings) -> None:
    """The stacks of one environment; each takes what it needs of those before it."""
    storage = StorageStack(app, settings)
    network = NetworkStack(app, settings, settings.network, storage=storage) if settings.network else None
    training = TrainingStack(app, settings, storage=storage, network=network)
    ServingStack(app, settings, storage=storage, training=training, network=network)
    MonitoringStack(app, settings, training=training)


def main() -> None:
    """Synthesise every environment, or the one that `cdk -c env=NAME` names."""
    app = cdk.App()
    try:
        environments = load_all(CONFIG, app.node.try_get_context("env"))
    except SettingsError as error:
        sys.exit(str(error))
    build(app, environments).synth()


if __name__ == "__main__":
    main()
