"""What the stacks of one environment have in common: place, protection, tags."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import CfnOutput, CfnRule, CfnRuleAssertion, Environment, Fn, Stack, Tags
from constructs import Construct

from stacks import images
from stacks.pseudo_parameters import ACCOUNT_ID, PARTITION, REGION
from stacks.settings import Settings

# The champion parameter must never change after its creation: stacks/champion.py.
_UNTAGGED = ["AWS::SSM::Parameter"]


class EnvironmentStack(Stack):
    """The stack `nunchi-<environment>-<part>`."""

    def __init__(
        self,
        scope: Construct,
        settings: Settings,
        part: str,
        *,
        holds: str,
        after: Sequence[Stack | None] = (),
    ) -> None:
        """Begin the stack.

        Args:
            scope: the application.
            settings: of the environment.
            part: last part of the stack's name.
            holds: what is in it, for the description.
            after: the stacks whose exports it imports.
        """
        super().__init__(
            scope,
            settings.name(part),
            env=Environment(account=settings.account, region=settings.region),
            description=f"Nunchi {settings.environment}: {holds}",
            termination_protection=settings.termination_protection,
        )
        self._settings = settings
        for stack in filter(None, after):
            self.add_stack_dependency(stack)
        tags = Tags.of(self)
        for key, value in settings.tags.items():
            tags.add(key, value, exclude_resource_types=_UNTAGGED)
        if settings.region is None:
            # The settings cannot tell which region it will be: the deployment refuses a wrong one.
            known = sorted(images.REGIONS)
            CfnRule(
                self,
                "RegionHasImages",
                assertions=[
                    CfnRuleAssertion(
                        assert_=Fn.condition_contains(known, REGION),
                        assert_description=f"Hugging Face images are known for {', '.join(known)}",
                    )
                ],
            )

    def export(self, output: str, value: str) -> str:
        """Make `value` an output and an export; returns what stands for it in the other stacks."""
        name = self._settings.name(output)
        CfnOutput(self, output, value=value, export_name=name)
        return Fn.import_value(name)


def arn(service: str, resource: str) -> str:
    """The ARN of `resource` of `service` in the stack's own account and region."""
    return f"arn:{PARTITION}:{service}:{REGION}:{ACCOUNT_ID}:{resource}"
