import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from localaws import LocalAws
from tests.localaws.helpers import (
    REGION,
    ROLE,
    logged,
    run_machine,
    start_machine,
    succeed,
    wait,
    wait_machine,
)
from tests.localaws.test_processing import code as code
from tests.localaws.test_processing import request as processing_request
from tests.localaws.test_registry import specification
from tests.localaws.test_training import request as training_request
from tests.localaws.test_training import source as source
from tests.localaws.test_transform import lines
from tests.localaws.test_transform import model as model
from tests.localaws.test_transform import put as put_lines
from tests.localaws.test_transform import request as transform_request

TOPIC = f"arn:aws:sns:{REGION}:000000000000:nothing"


def task(resource: str, arguments: object, **more: Any) -> dict[str, Any]:
    state = {"Type": "Task", "Resource": f"arn:aws:states:::{resource}", "Arguments": arguments}
    return state | ({"End": True} if "Next" not in more else {}) | more


def training(name: str, bucket: str, source: str, **more: Any) -> dict[str, Any]:
    behaviour = more.pop("behaviour", "succeed")
    return task(
        "sagemaker:createTrainingJob.sync",
        training_request(
            name,
            bucket,
            source,
            behaviour=behaviour,
            TrainingJobName="{% $states.context.Execution.Input.name %}",
        ),
        **more,
    )


def caught(aws: LocalAws, name: str, state: dict[str, Any]) -> dict[str, Any]:
    """What Catch sees when the task fails."""
    state = {key: value for key, value in state.items() if key != "End"}
    state |= {"Next": "Done", "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Done"}]}
    result: dict[str, Any] = succeed(aws, name, {"Task": state, "Done": {"Type": "Succeed"}}, {"name": name})
    return result


# sagemaker:create…Job.sync


def test_training_job_runs_to_its_end(aws: LocalAws, bucket: str, source: str, name: str) -> None:
    result = succeed(aws, name, {"Train": training(name, bucket, source)}, {"name": name})
    assert result["TrainingJobStatus"] == "Completed"
    assert result["ModelArtifacts"]["S3ModelArtifacts"].endswith(f"{name}/output/model.tar.gz")
    assert result["CreationTime"] > 10**12  # milliseconds since the epoch


def test_failed_training_job_fails_the_task_with_its_description(
    aws: LocalAws, bucket: str, source: str, name: str
) -> None:
    error = caught(aws, name, training(name, bucket, source, behaviour="fail"))
    assert error["Error"] == "States.TaskFailed"
    assert "the label column is missing" in json.loads(error["Cause"])["FailureReason"]


def test_processing_job_runs_to_its_end(aws: LocalAws, bucket: str, code: str, name: str) -> None:
    state = task("sagemaker:createProcessingJob.sync", processing_request(name, bucket, code))
    assert succeed(aws, name, {"Prepare": state})["ProcessingJobStatus"] == "Completed"


def test_failed_processing_job_carries_the_scripts_message(
    aws: LocalAws, bucket: str, code: str, name: str
) -> None:
    arguments = processing_request(name, bucket, code, "--fail", "열 label 이 없습니다")
    error = caught(aws, name, task("sagemaker:createProcessingJob.sync", arguments))
    assert json.loads(error["Cause"])["ExitMessage"] == "열 label 이 없습니다"


def test_transform_job_runs_to_its_end(aws: LocalAws, bucket: str, model: str, name: str) -> None:
    put_lines(aws, bucket, name, a=lines("하나"))
    state = task("sagemaker:createTransformJob.sync", transform_request(name, bucket, model))
    result = succeed(aws, name, {"Transform": state})
    assert result["TransformJobStatus"] == "Completed"
    assert result["TransformOutput"]["S3OutputPath"] == f"s3://{bucket}/out/{name}"


def test_failed_transform_job_says_where_the_models_message_is(
    aws: LocalAws, bucket: str, model: str, name: str
) -> None:
    put_lines(aws, bucket, name, a=lines(""))
    error = caught(
        aws, name, task("sagemaker:createTransformJob.sync", transform_request(name, bucket, model))
    )
    assert error["Error"] == "States.TaskFailed"
    assert json.loads(error["Cause"])["FailureReason"].endswith(": See job logs for more information")


def test_refused_request_has_the_integrations_error_name(
    aws: LocalAws, bucket: str, source: str, name: str
) -> None:
    state = training(name, bucket, source)
    state["Arguments"]["EnableManagedSpotTraining"] = True
    error = caught(aws, name, state)
    assert error["Error"] == "SageMaker.AmazonSageMakerException"
    assert "MaxWaitTimeInSeconds" in error["Cause"]
    assert "Status Code: 400" in error["Cause"]


def test_job_is_stopped_when_its_task_times_out(aws: LocalAws, bucket: str, source: str, name: str) -> None:
    error = caught(aws, name, training(name, bucket, source, behaviour="sleep", TimeoutSeconds=1))
    assert error["Error"] == "States.Timeout"
    wait(lambda: _status(aws, name) == "Stopped")


def test_job_is_stopped_when_its_execution_is_aborted(
    aws: LocalAws, bucket: str, source: str, name: str
) -> None:
    states = {"Train": training(name, bucket, source, behaviour="sleep")}
    execution = start_machine(aws, name, states, {"name": name})
    wait(lambda: logged(aws, "/aws/sagemaker/TrainingJobs", name) if _exists(aws, name) else None)
    aws.client("stepfunctions").stop_execution(executionArn=execution)
    wait(lambda: _status(aws, name) == "Stopped")
    assert wait_machine(aws, execution)["status"] == "ABORTED"


def test_job_of_a_nested_execution_is_stopped_with_its_parent(
    aws: LocalAws, bucket: str, source: str, name: str
) -> None:
    client = aws.client("stepfunctions")
    child = start_machine(aws, f"{name}-child", {"No": {"Type": "Fail"}})
    machine = client.describe_execution(executionArn=child)["stateMachineArn"]
    definition = {
        "QueryLanguage": "JSONata",
        "StartAt": "Train",
        "States": {
            "Train": training(name, bucket, source, behaviour="sleep", Next="After")
            | {"Catch": [{"ErrorEquals": ["States.ALL"], "Next": "After"}]},
            "After": task("aws-sdk:sts:getCallerIdentity", {}),
        },
    }
    client.update_state_machine(stateMachineArn=machine, definition=json.dumps(definition))
    nested = task(
        "states:startExecution.sync:2", {"StateMachineArn": machine, "Name": "child", "Input": {"name": name}}
    )
    parent = start_machine(aws, name, {"Nested": nested})
    wait(lambda: logged(aws, "/aws/sagemaker/TrainingJobs", name) if _exists(aws, name) else None)
    client.stop_execution(executionArn=parent)
    wait(lambda: _status(aws, name) == "Stopped")
    arn = machine.replace("stateMachine", "execution") + ":child"
    assert wait_machine(aws, arn)["status"] == "ABORTED"


def _exists(aws: LocalAws, name: str) -> bool:
    return bool(aws.client("sagemaker").list_training_jobs(NameContains=name)["TrainingJobSummaries"])


def _status(aws: LocalAws, name: str) -> str:
    return str(aws.client("sagemaker").describe_training_job(TrainingJobName=name)["TrainingJobStatus"])


# aws-sdk:…


def test_object_of_s3_is_text(aws: LocalAws, bucket: str, name: str) -> None:
    aws.client("s3").put_object(Bucket=bucket, Key=name, Body='{"정확도": 0.9}'.encode())
    state = task(
        "aws-sdk:s3:getObject",
        {"Bucket": bucket, "Key": name},
        Output="{% $parse($states.result.Body).정확도 %}",
    )
    assert succeed(aws, name, {"Read": state}) == 0.9


def test_parameter_of_ssm_is_written_and_read(aws: LocalAws, name: str) -> None:
    write = {"Name": f"/{name}", "Value": "none", "Type": "String", "Overwrite": True}
    states = {
        "Write": task("aws-sdk:ssm:putParameter", write, Next="Read"),
        "Read": task("aws-sdk:ssm:getParameter", {"Name": f"/{name}"}),
    }
    assert succeed(aws, name, states)["Parameter"]["Value"] == "none"


def test_times_are_iso_text(aws: LocalAws, name: str) -> None:
    group = {"ModelPackageGroupName": name}
    states = {
        "Create": task("aws-sdk:sagemaker:createModelPackageGroup", group, Next="Describe"),
        "Describe": task("aws-sdk:sagemaker:describeModelPackageGroup", group),
    }
    assert succeed(aws, name, states)["CreationTime"].startswith("20")


def test_model_package_is_registered(aws: LocalAws, name: str) -> None:
    aws.client("sagemaker").create_model_package_group(ModelPackageGroupName=name)
    package = {"ModelPackageGroupName": name, "InferenceSpecification": specification()}
    arn = succeed(aws, name, {"Register": task("aws-sdk:sagemaker:createModelPackage", package)})
    assert arn["ModelPackageArn"].endswith(f"model-package/{name}/1")


def test_service_with_lower_case_members_takes_pascal_case(aws: LocalAws, name: str) -> None:
    state = task("aws-sdk:cloudwatchlogs:createLogGroup", {"LogGroupName": f"/{name}"})
    succeed(aws, name, {"Create": state})
    assert aws.client("logs").describe_log_groups(logGroupNamePrefix=f"/{name}")["logGroups"]


def test_retention_of_a_log_group_is_set(aws: LocalAws, name: str) -> None:
    logs, group = aws.client("logs"), f"/{name}"
    logs.create_log_group(logGroupName=group)
    arguments = {"LogGroupName": group, "RetentionInDays": "{% 10 * 3 %}"}
    succeed(aws, name, {"Keep": task("aws-sdk:cloudwatchlogs:putRetentionPolicy", arguments)})
    assert logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"][0]["retentionInDays"] == 30


def test_metrics_are_put_as_a_list(aws: LocalAws, name: str) -> None:
    dimensions = [{"Name": "Environment", "Value": "dev"}]
    arguments = {
        "Namespace": name,
        "MetricData": [
            {"MetricName": "Accuracy", "Value": "{% $states.input.accuracy %}", "Dimensions": dimensions},
            {"MetricName": "Rows", "Value": 7, "Unit": "Count"},
        ],
    }
    succeed(aws, name, {"Tell": task("aws-sdk:cloudwatch:putMetricData", arguments)}, {"accuracy": 0.875})
    now = datetime.now(UTC)
    [point] = aws.client("cloudwatch").get_metric_statistics(
        Namespace=name,
        MetricName="Accuracy",
        Dimensions=dimensions,
        StartTime=now - timedelta(minutes=5),
        EndTime=now + timedelta(minutes=5),
        Period=600,
        Statistics=["Average"],
    )["Datapoints"]
    assert point["Average"] == 0.875
    metrics = aws.client("cloudwatch").list_metrics(Namespace=name)["Metrics"]
    assert {metric["MetricName"] for metric in metrics} == {"Accuracy", "Rows"}


def test_whole_numbers_that_jsonata_computes_are_integers(aws: LocalAws, name: str) -> None:
    state = task("aws-sdk:sagemaker:listModels", {"MaxResults": "{% $floor(3.5) + 2 * 0.5 %}"})
    assert "Models" in succeed(aws, name, {"List": state})


@pytest.mark.parametrize(
    ("resource", "arguments", "error", "cause"),
    [
        ("aws-sdk:ssm:getParameter", {"Name": "/nothing"}, "Ssm.ParameterNotFoundException", "Service: Ssm"),
        ("aws-sdk:s3:getObject", {"Bucket": "localaws-tests", "Key": "x"}, "S3.NoSuchKeyException", "404"),
        (
            "aws-sdk:cloudformation:describeStacks",
            {"StackName": "nothing"},
            "CloudFormation.CloudFormationException",
            "does not exist (Service: CloudFormation, Status Code: 400, Request ID: ",
        ),
        ("aws-sdk:sagemaker:describeModel", {"ModelName": "x"}, "SageMaker.SageMakerException", "model/x"),
        ("aws-sdk:sagemaker:describeModel", {"Colour": "x"}, "States.Runtime", "Colour"),
        ("sns:publish", {"TopicArn": TOPIC, "Message": "x"}, "SNS.NotFoundException", "Service: AmazonSNS"),
        ("aws-sdk:nothing:getIt", {}, "States.Runtime", "nothing"),
        ("aws-sdk:s3:paint", {}, "States.Runtime", "paint"),
        ("sagemaker:createLabelingJob.sync", {}, "States.Runtime", "createLabelingJob"),
        ("sagemaker:createTrainingJob", {}, "States.Runtime", "createTrainingJob.sync only"),
    ],
)
def test_errors_have_the_names_of_step_functions(
    aws: LocalAws, bucket: str, name: str, resource: str, arguments: dict[str, str], error: str, cause: str
) -> None:
    found = caught(aws, name, task(resource, arguments))
    assert found["Error"] == error
    assert cause in found["Cause"]


def test_topic_is_published_to(aws: LocalAws, name: str) -> None:
    sns, sqs = aws.client("sns"), aws.client("sqs")
    topic = sns.create_topic(Name=name)["TopicArn"]
    queue = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    arguments = {
        "TopicArn": topic,
        "Subject": "failed",
        "Message": {"step": "학습"},
        "MessageAttributes": {"step": {"DataType": "String", "StringValue": "train"}},
    }
    succeed(aws, name, {"Tell": task("sns:publish", arguments)})
    [message] = wait(lambda: sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=1).get("Messages"))
    body = json.loads(message["Body"])
    assert (body["Subject"], json.loads(body["Message"])) == ("failed", {"step": "학습"})
    assert body["MessageAttributes"]["step"]["Value"] == "train"


# The language


def test_succeed_has_an_output(aws: LocalAws, name: str) -> None:
    states = {"Done": {"Type": "Succeed", "Output": "{% $states.input.a + 1 %}"}}
    assert succeed(aws, name, states, {"a": 1}) == 2


def test_choice_has_outputs_and_assignments_of_its_rules_and_of_its_default(aws: LocalAws, name: str) -> None:
    choice = {
        "Type": "Choice",
        "Choices": [
            {
                "Condition": "{% $states.input.a > 1 %}",
                "Assign": {"way": "rule"},
                "Output": {"b": "{% $states.input.a %}"},
                "Next": "Done",
            }
        ],
        "Assign": {"way": "default"},
        "Output": {"b": "few"},
        "Default": "Done",
    }
    states = {"Choice": choice, "Done": {"Type": "Succeed", "Output": "{% [$way, $states.input.b] %}"}}
    assert succeed(aws, name, states, {"a": 2}) == ["rule", 2]
    assert succeed(aws, f"{name}-2", states, {"a": 1}) == ["default", "few"]


def test_assignments_of_one_state_do_not_see_each_other(aws: LocalAws, name: str) -> None:
    states = {
        "First": {"Type": "Pass", "Assign": {"a": 1, "b": 2}, "Next": "Second"},
        "Second": {"Type": "Pass", "Assign": {"a": "{% $b %}", "b": "{% $a %}"}, "Next": "Done"},
        "Done": {"Type": "Succeed", "Output": "{% [$a, $b] %}"},
    }
    assert succeed(aws, name, states) == [2, 1]


def test_catch_has_output_and_assignments(aws: LocalAws, name: str) -> None:
    catch = {
        "ErrorEquals": ["Ssm.ParameterNotFoundException"],
        "Assign": {"error": "{% $states.errorOutput.Error %}"},
        "Output": {"was": "{% $states.input.a %}"},
        "Next": "Done",
    }
    states = {
        "Task": task("aws-sdk:ssm:getParameter", {"Name": "/nothing"}, Catch=[catch], Next="Done"),
        "Done": {"Type": "Succeed", "Output": "{% [$error, $states.input.was] %}"},
    }
    assert succeed(aws, name, states, {"a": 1}) == ["Ssm.ParameterNotFoundException", 1]


def test_state_that_ministack_would_run_wrongly_is_refused(aws: LocalAws, name: str) -> None:
    branch = {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}}
    result = run_machine(aws, name, {"Both": {"Type": "Parallel", "Branches": [branch], "End": True}})
    assert result["status"] == "FAILED"
    assert "localaws does not implement Parallel" in result["cause"]


def test_fail_computes_its_cause(aws: LocalAws, name: str) -> None:
    states = {"No": {"Type": "Fail", "Error": "Gate", "Cause": "{% 'accuracy ' & $states.input.a %}"}}
    result = run_machine(aws, name, states, {"a": 0.5})
    assert (result["error"], result["cause"]) == ("Gate", "accuracy 0.5")


def test_failed_nested_execution_is_described_in_the_cause(aws: LocalAws, name: str) -> None:
    child = start_machine(aws, f"{name}-child", {"No": {"Type": "Fail", "Error": "Gate", "Cause": "낮음"}})
    machine = aws.client("stepfunctions").describe_execution(executionArn=child)["stateMachineArn"]
    error = caught(aws, name, task("states:startExecution.sync:2", {"StateMachineArn": machine}))
    cause = json.loads(error["Cause"])
    assert (error["Error"], cause["Error"], cause["Cause"]) == ("States.TaskFailed", "Gate", "낮음")


def test_time_limit_of_a_whole_state_machine_is_refused(aws: LocalAws, name: str) -> None:
    client = aws.client("stepfunctions")
    definition = {"TimeoutSeconds": 1, "StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}}
    machine = client.create_state_machine(name=name, definition=json.dumps(definition), roleArn=ROLE)
    execution = client.start_execution(stateMachineArn=machine["stateMachineArn"])["executionArn"]
    assert "localaws does not implement TimeoutSeconds" in wait_machine(aws, execution)["cause"]


@pytest.mark.parametrize("jitter", ["FULL", "NONE"])
def test_a_retry_waits_its_maximum_at_most(aws: LocalAws, name: str, jitter: str) -> None:
    retry = {"ErrorEquals": ["States.ALL"], "IntervalSeconds": 600, "MaxDelaySeconds": 1, "MaxAttempts": 1}
    state = task("aws-sdk:ssm:getParameter", {"Name": "/nothing"}, Retry=[retry | {"JitterStrategy": jitter}])
    assert run_machine(aws, name, {"Read": state})["error"] == "Ssm.ParameterNotFoundException"
