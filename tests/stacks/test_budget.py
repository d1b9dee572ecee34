from __future__ import annotations

import pytest

from tests.stacks.resolved import Environment, Json

every_environment = pytest.mark.parametrize("name", ["dev", "staging", "prod"])


def budget(environment: Environment) -> Json:
    return environment.properties("monitoring", "AWS::Budgets::Budget")


@every_environment
def test_the_limit_is_the_settings_a_month(environments: dict[str, Environment], name: str) -> None:
    limits = budget(environments[name])["Budget"]
    assert (limits["TimeUnit"], limits["BudgetType"]) == ("MONTHLY", "COST")
    assert limits["BudgetLimit"] == {
        "Amount": environments[name].settings.budget.monthly_usd,
        "Unit": "USD",
    }


@every_environment
def test_the_budget_counts_what_carries_the_environments_tag_and_nothing_else(
    environments: dict[str, Environment], name: str
) -> None:
    """Without the filter every environment would count the whole account."""
    assert budget(environments[name])["Budget"]["CostFilters"] == {
        "TagKeyValue": [f"user:application$nunchi-{name}"]
    }
    assert environments[name].settings.tags["application"] == f"nunchi-{name}"


@every_environment
def test_people_are_told_of_money_spent_and_of_a_month_on_its_way_over_the_limit(
    environments: dict[str, Environment], name: str
) -> None:
    """The bill is a surprise when only what is spent already is told."""
    environment = environments[name]
    (topic,) = environment.templates["training"].of_type("AWS::SNS::Topic")
    told = [
        (
            one["Notification"]["NotificationType"],
            one["Notification"]["Threshold"],
            *[subscriber["Address"] for subscriber in one["Subscribers"]],
        )
        for one in budget(environment)["NotificationsWithSubscribers"]
    ]
    arn = environment.arn("training", topic)
    assert told == [("ACTUAL", 80, arn), ("FORECASTED", 100, arn)]
