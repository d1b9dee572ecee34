from __future__ import annotations

from tests.stacks.resolved import Environment, Json


def rule(environments: dict[str, Environment]) -> Json:
    return environments["staging"].properties("serving", "AWS::Events::Rule")


def test_a_file_below_incoming_starts_the_batch_and_no_other_file_does(
    environments: dict[str, Environment],
) -> None:
    """Reviews lie in the same bucket."""
    pattern = rule(environments)["EventPattern"]
    data = environments["staging"].physical_name("storage", "Data")
    assert (pattern["source"], pattern["detail-type"]) == (["aws.s3"], ["Object Created"])
    assert pattern["detail"]["bucket"]["name"] == [data]
    assert pattern["detail"]["object"]["key"] == [{"prefix": "incoming/"}]


def test_an_arrival_is_told_of_only_when_something_was_to_be_done(
    environments: dict[str, Environment],
) -> None:
    """Each of a thousand files starts an execution, and most find nothing left to do."""
    (target,) = rule(environments)["Targets"]
    assert target["Arn"].endswith(":stateMachine:nunchi-staging-transform")
    assert target["Input"] == '{"quiet": true}'


def test_where_it_is_not_asked_for_no_file_starts_anything(environments: dict[str, Environment]) -> None:
    for name in ("dev", "prod"):
        parts = [part for part, _, _ in environments[name].of_type("AWS::Events::Rule")]
        assert "serving" not in parts
