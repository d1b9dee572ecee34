"""The monthly budget: it tells people when the money is spent, and when the month is on its way there."""

from __future__ import annotations

from typing import Any

from aws_cdk import aws_budgets as budgets
from constructs import Construct

from stacks.settings import Settings


class Budget(Construct):
    """A cost budget of what carries the environment's tag `application`.

    The tag counts once it is activated as a cost allocation tag:
    https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/activating-tags.html
    """

    def __init__(self, scope: Construct, *, settings: Settings, topic_arn: str) -> None:
        """Build the budget; the topic and the environment's addresses are told."""
        super().__init__(scope, "Budget")
        limits = settings.budget
        budgets.CfnBudget(
            self,
            "Monthly",
            # Without a name of ours: a change of who is told replaces it, and two may not share one.
            budget={
                "budgetType": "COST",
                "timeUnit": "MONTHLY",
                "budgetLimit": {"amount": limits.monthly_usd, "unit": "USD"},
                "costFilters": {"TagKeyValue": [f"user:application${settings.tags['application']}"]},
            },
            notifications_with_subscribers=[
                _notification("ACTUAL", limits.actual_percent, topic_arn),
                _notification("FORECASTED", limits.forecast_percent, topic_arn),
            ],
            resource_tags=[{"key": key, "value": value} for key, value in settings.tags.items()],
        )


def _notification(kind: str, percent: int, topic_arn: str) -> dict[str, Any]:
    return {
        "notification": {
            "notificationType": kind,
            "comparisonOperator": "GREATER_THAN",
            "threshold": percent,
            "thresholdType": "PERCENTAGE",
        },
        "subscribers": [{"subscriptionType": "SNS", "address": topic_arn}],
    }
