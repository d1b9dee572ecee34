"""What an environment costs, by its templates."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from review import prices
from review.cost import cost
from review.model import Cost, CostLine, Side
from tests.stacks.resolved import Environment

Json = dict[str, Any]
CostOf = Callable[[str], Cost]
Edit = Callable[[Json], object]
CostAfter = Callable[[str, str, Edit], Cost]

TABLE = prices.read()
HOURS = 730
MACHINES = ("retrain", "train", "promote", "notify")


@pytest.fixture
def cost_of(assembly: Path) -> CostOf:
    """What an environment costs as it is."""
    return lambda environment: cost(Side("head", Path(), assembly), environment)


@pytest.fixture
def cost_after(assembly: Path, tmp_path: Path) -> CostAfter:
    """What an environment costs after the resources of one type were edited in one of its stacks."""

    def after(stack: str, kind: str, edit: Edit) -> Cost:
        folder = tmp_path / "assembly"
        shutil.copytree(assembly, folder)
        path = folder / f"{stack}.template.json"
        template = json.loads(path.read_text(encoding="utf-8"))
        for resource in template["Resources"].values():
            if resource["Type"] == kind:
                edit(resource)
        path.write_text(json.dumps(template, ensure_ascii=False), encoding="utf-8")
        return cost(Side("head", Path(), folder), stack.split("-")[1])

    return after


def line(found: Cost, what: str) -> CostLine:
    """The one line about `what`."""
    (one,) = (line for line in found.lines if line.what.startswith(what))
    return one


def set_variant(**changes: object) -> Edit:
    """Change the variant of an endpoint's configuration."""
    return lambda resource: resource["Properties"]["ProductionVariants"][0].update(changes)


def replace_in_definition(old: str, new: str) -> Edit:
    """Replace a text in a state machine's definition."""

    def edit(resource: Json) -> None:
        parts = resource["Properties"]["DefinitionString"]["Fn::Join"][1]
        parts[:] = [part.replace(old, new) if isinstance(part, str) else part for part in parts]

    return edit


def test_an_endpoint_that_scales_costs_its_least_number_of_instances(cost_of: CostOf) -> None:
    endpoint = line(cost_of("prod"), "real-time endpoint: 2 × ml.c6i.xlarge")
    assert endpoint.usd == pytest.approx(2 * HOURS * 0.2304)


def test_the_assumption_says_what_the_most_instances_cost(cost_of: CostOf) -> None:
    assert "with the most, 8: $1,345.54" in line(cost_of("prod"), "real-time endpoint").assumption


def test_an_endpoint_that_does_not_scale_costs_its_instances(cost_of: CostOf) -> None:
    endpoint = line(cost_of("dev"), "real-time endpoint: 1 × ml.m5.large")
    assert endpoint.usd == pytest.approx(HOURS * 0.142)


def test_a_serverless_endpoint_costs_by_the_request(cost_of: CostOf) -> None:
    requests, seconds = TABLE.assumed("requests_a_month"), TABLE.assumed("serverless_ms") / 1000
    assert line(cost_of("dev"), "serverless endpoint: 3 GB").usd == pytest.approx(
        requests * seconds * 3 * 0.00002
    )


def test_provisioned_concurrency_has_no_price(cost_after: CostAfter) -> None:
    def provision(resource: Json) -> None:
        variant = resource["Properties"]["ProductionVariants"][0]
        variant.get("ServerlessConfig", {})["ProvisionedConcurrency"] = 4

    found = cost_after("nunchi-dev-serving", "AWS::SageMaker::EndpointConfig", provision)
    assert "provisioned concurrency of the serverless endpoint: 4 × 3 GB" in found.unknown


def test_batch_transform_costs_each_of_its_instances(cost_after: CostAfter, cost_of: CostOf) -> None:
    resources = '"InstanceType":"ml.m5.xlarge","InstanceCount":'
    more = cost_after(
        "nunchi-dev-serving",
        "AWS::StepFunctions::StateMachine",
        replace_in_definition(f"{resources}1", f"{resources}3"),
    )
    once = line(cost_of("dev"), "batch transform: 1 × ml.m5.xlarge").usd
    assert line(more, "batch transform: 3 × ml.m5.xlarge").usd == pytest.approx(3 * once)


def test_requests_that_are_kept_cost_storage(cost_of: CostOf) -> None:
    assert line(cost_of("prod"), "captured requests: 10 %").usd > 0


def test_an_instance_type_that_the_table_lacks_is_unknown(cost_after: CostAfter) -> None:
    found = cost_after(
        "nunchi-prod-serving", "AWS::SageMaker::EndpointConfig", set_variant(InstanceType="ml.c7i.xlarge")
    )
    assert "ml.c7i.xlarge of the real-time endpoint" in found.unknown


def test_what_is_unknown_is_no_line_of_nothing(cost_after: CostAfter) -> None:
    found = cost_after(
        "nunchi-prod-serving", "AWS::SageMaker::EndpointConfig", set_variant(InstanceType="ml.c7i.xlarge")
    )
    assert [one.what for one in found.lines if one.what.startswith("real-time")] == []


def test_a_million_predictions_on_what_is_unknown_have_no_price(cost_after: CostAfter) -> None:
    found = cost_after(
        "nunchi-prod-serving", "AWS::SageMaker::EndpointConfig", set_variant(InstanceType="ml.c7i.xlarge")
    )
    assert found.million_predictions.keys() == {"batch"}


def test_a_price_that_is_not_of_the_list_is_named(cost_after: CostAfter) -> None:
    found = cost_after(
        "nunchi-prod-serving", "AWS::SageMaker::EndpointConfig", set_variant(InstanceType="ml.p3.2xlarge")
    )
    assert any(
        what.startswith("ml.p3.2xlarge: not in AWS's list; counted at $5.29") for what in found.unknown
    )


def test_every_way_of_serving_has_a_price_of_a_million_predictions(cost_of: CostOf) -> None:
    assert cost_of("dev").million_predictions.keys() == {"real-time", "serverless", "batch"}


def test_a_million_predictions_keep_instances_as_busy_as_scaling_does(cost_after: CostAfter) -> None:
    def aim_at_1200(resource: Json) -> None:
        resource["Properties"]["TargetTrackingScalingPolicyConfiguration"]["TargetValue"] = 1200

    found = cost_after("nunchi-prod-serving", "AWS::ApplicationAutoScaling::ScalingPolicy", aim_at_1200)
    assert found.million_predictions["real-time"] == pytest.approx(1_000_000 / 1200 / 60 * 0.2304)


def test_retrains_are_as_many_as_the_schedule_starts(cost_of: CostOf) -> None:
    prod = cost_of("prod")
    assert prod.retrain
    assert line(prod, "retrain: 4.4 times a month").usd == pytest.approx(209 / 48 * prod.retrain)


def test_a_schedule_of_batches_starts_no_retrain(
    cost_of: CostOf, environments: dict[str, Environment]
) -> None:
    """Prod has one of each."""
    schedules = list(environments["prod"].of_type("AWS::Scheduler::Schedule"))
    assert {part for part, _, _ in schedules} == {"training", "serving"}
    assert line(cost_of("prod"), "retrain: ")


def test_a_retrain_that_is_scheduled_once_counts_once(cost_after: CostAfter) -> None:
    def once(resource: Json) -> None:
        resource["Properties"]["ScheduleExpression"] = "at(2027-01-01T03:00:00)"

    found = cost_after("nunchi-prod-training", "AWS::Scheduler::Schedule", once)
    assert line(found, "retrain: once, at(2027-01-01T03:00:00)").usd == found.retrain


def test_without_a_schedule_there_is_no_retrain_in_a_month(cost_of: CostOf) -> None:
    assert line(cost_of("dev"), "retrain: by hand").usd == 0


def test_without_a_schedule_a_retrain_has_its_price_all_the_same(
    cost_of: CostOf, environments: dict[str, Environment]
) -> None:
    """Prod's, but for states: dev promotes by itself and asks two endpoints, prod waits for a person."""
    states = {
        name: sum(len(environments[name].machines[one]["States"]) for one in MACHINES)
        for name in ("dev", "prod")
    }
    more = (states["dev"] - states["prod"]) * TABLE.usd("state_transition")
    dev, prod = cost_of("dev").retrain, cost_of("prod").retrain
    assert dev and prod and dev == pytest.approx(prod + more)


def test_training_on_spot_instances_costs_a_share(cost_of: CostOf, cost_after: CostAfter) -> None:
    dear = cost_after(
        "nunchi-staging-training",
        "AWS::StepFunctions::StateMachine",
        replace_in_definition("EnableManagedSpotTraining", "NotAnyMore"),
    )
    cheap = cost_of("staging")
    assert dear.retrain and cheap.retrain and dear.retrain > cheap.retrain


def test_more_epochs_cost_more(cost_of: CostOf, cost_after: CostAfter) -> None:
    found = cost_after(
        "nunchi-dev-training",
        "AWS::StepFunctions::StateMachine",
        replace_in_definition(r"num_train_epochs\": \"3", r"num_train_epochs\": \"6"),
    )
    now = cost_of("dev").retrain
    assert now and found.retrain and found.retrain > now


def test_training_on_what_is_unknown_leaves_the_retrain_without_a_price(
    cost_after: CostAfter, environments: Any
) -> None:
    instance_type = environments["dev"].settings.training.instance_type
    found = cost_after(
        "nunchi-dev-training",
        "AWS::StepFunctions::StateMachine",
        replace_in_definition(instance_type, "ml.p5.4xlarge"),
    )
    assert found.retrain is None
    assert "ml.p5.4xlarge of the job Train" in found.unknown


def test_a_job_that_nobody_assumed_a_duration_of_leaves_the_retrain_without_a_price(
    cost_after: CostAfter,
) -> None:
    found = cost_after(
        "nunchi-dev-training",
        "AWS::StepFunctions::StateMachine",
        replace_in_definition('"Prepare":', '"Explain":'),
    )
    assert found.retrain is None
    assert "how long the job Explain takes" in found.unknown


def test_interface_endpoints_cost_by_the_zone_and_the_gateway_nothing(cost_of: CostOf) -> None:
    endpoints = line(cost_of("prod"), "VPC interface endpoints: 8 in 2 availability zones")
    assert endpoints.usd == pytest.approx(8 * 2 * HOURS * 0.013 + TABLE.assumed("endpoint_gb") * 0.01)


def test_flow_logs_cost_where_they_are_kept(cost_of: CostOf) -> None:
    assert line(cost_of("prod"), "VPC flow logs").usd == pytest.approx(TABLE.assumed("flow_log_gb") * 0.76)


def test_an_alarm_costs_by_the_metrics_in_it(cost_of: CostOf, assembly: Path) -> None:
    templates = (path.read_text(encoding="utf-8") for path in assembly.glob("nunchi-prod-*.template.json"))
    metrics = sum(
        "MetricStat" in query
        for template in templates
        for resource in json.loads(template)["Resources"].values()
        if resource["Type"] == "AWS::CloudWatch::Alarm"
        for query in resource["Properties"]["Metrics"]
    )
    assert line(cost_of("prod"), "CloudWatch alarms").usd == pytest.approx(metrics * 0.1)


def test_logs_that_are_kept_longer_cost_more(cost_of: CostOf, cost_after: CostAfter) -> None:
    found = cost_after(
        "nunchi-dev-serving",
        "AWS::Logs::LogGroup",
        lambda resource: resource["Properties"].update(RetentionInDays=3653),
    )
    assert line(found, "CloudWatch log groups").usd > line(cost_of("dev"), "CloudWatch log groups").usd


def test_a_resource_that_nobody_priced_is_unknown(cost_after: CostAfter) -> None:
    found = cost_after(
        "nunchi-prod-network",
        "AWS::EC2::FlowLog",
        lambda resource: resource.update(Type="AWS::EC2::NatGateway"),
    )
    assert "AWS::EC2::NatGateway" in found.unknown


@pytest.mark.parametrize("environment", ["dev", "staging", "prod"])
def test_every_resource_of_today_is_priced(cost_of: CostOf, environment: str) -> None:
    assert [what for what in cost_of(environment).unknown if what.startswith("AWS::")] == []


@pytest.mark.parametrize("environment", ["dev", "staging", "prod"])
def test_every_line_says_what_it_assumes(cost_of: CostOf, environment: str) -> None:
    assert [one.what for one in cost_of(environment).lines if not one.assumption] == []


@pytest.fixture
def cost_elsewhere(assembly: Path, tmp_path: Path) -> Cost:
    """What prod costs in Tokyo."""
    folder = tmp_path / "assembly"
    shutil.copytree(assembly, folder)
    manifest = folder / "manifest.json"
    text = manifest.read_text(encoding="utf-8").replace("/ap-northeast-2", "/ap-northeast-1")
    manifest.write_text(text, encoding="utf-8")
    return cost(Side("head", Path(), folder), "prod")


def test_another_region_is_unknown(cost_elsewhere: Cost) -> None:
    assert cost_elsewhere.unknown == ("prices of ap-northeast-1: the table is of ap-northeast-2",)


def test_another_region_has_neither_lines_nor_prices(cost_elsewhere: Cost) -> None:
    assert (cost_elsewhere.lines, cost_elsewhere.retrain, cost_elsewhere.million_predictions) == (
        (),
        None,
        {},
    )


def test_a_cost_says_of_when_and_where_its_prices_are(cost_of: CostOf) -> None:
    assert cost_of("prod").prices == f"on demand in Asia Pacific (Seoul), as of {TABLE.date}"


def test_a_cost_says_that_the_environment_names_no_region(cost_of: CostOf) -> None:
    assert cost_of("dev").prices.endswith("; the environment names no region")
