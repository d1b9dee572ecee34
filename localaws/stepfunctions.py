"""The integrations of Step Functions that ministack lacks: SageMaker's jobs, and every ``aws-sdk:…``."""

import contextlib
import json
import math
import re
import time
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import cache, partial
from typing import Any, NoReturn

import boto3
from botocore import xform_name
from botocore.exceptions import BotoCoreError, ClientError
from botocore.response import StreamingBody
from ministack.services import stepfunctions

from localaws import aws, faults
from localaws.api import Json
from localaws.events import epoch_milliseconds
from localaws.resources import by_arn

POLL_SECONDS = 0.2

# The executions that wait for what is being done, outermost first, and when their first time-out is over.
_executions: ContextVar[tuple[Json, ...]] = ContextVar("executions", default=())
_deadline: ContextVar[float] = ContextVar("deadline", default=math.inf)
# The state machine and the state at work, and the fault that the state is to meet.
_state: ContextVar[tuple[str, str]] = ContextVar("state", default=("", ""))
_fault: ContextVar[Json | None] = ContextVar("fault", default=None)
# Optimized integrations: botocore's name of the service, what their errors begin with, its name in them.
_OPTIMIZED = {
    "dynamodb": ("dynamodb", "DynamoDB", "AmazonDynamoDBv2"),
    "sagemaker": ("sagemaker", "SageMaker", "AmazonSageMaker"),
    "sns": ("sns", "SNS", "AmazonSNS"),
    "states": ("stepfunctions", "StepFunctions", "AWSStepFunctions"),
}

_their_task = stepfunctions._execute_task
_their_invocation = stepfunctions._invoke_resource_with_timeout
_their_call = stepfunctions._invoke_resource
_their_failure = stepfunctions._fail_execution


def install() -> None:
    """Put the integrations into ministack's tables."""
    for kind in ("TrainingJob", "ProcessingJob", "TransformJob"):
        name = f"arn:aws:states:::sagemaker:create{kind}"
        stepfunctions._SERVICE_DISPATCH[name] = partial(_run_job, kind)
    stepfunctions._SERVICE_DISPATCH["arn:aws:states:::sns:publish"] = _publish
    stepfunctions._invoke_aws_sdk_integration = _call_sdk
    stepfunctions._execute_task = _telling_execution
    stepfunctions._invoke_resource = _meeting_faults
    stepfunctions._invoke_resource_with_timeout = _telling_deadline
    stepfunctions._fail_execution = _fail_if_running


def _telling_execution(state: Json, raw_input: Any, execution: Json, context: Json) -> Any:
    """Let a task know whom it works for: ministack does not stop a task whose execution is aborted."""
    if _given_up():
        stepfunctions._stop_execution({"executionArn": execution["executionArn"]})
        _fail("States.Runtime", "the execution that waited for this one ended")
    others = _executions.get()
    token = _executions.set(others if execution in others else (*others, execution))
    at_work = _state.set((context["StateMachine"]["Name"], context["State"]["Name"]))
    try:
        return _their_task(state, raw_input, execution, context)
    finally:
        _executions.reset(token)
        _state.reset(at_work)


def _telling_deadline(resource: str, argument: Any, timeout: float) -> Any:
    """Let a task know when its TimeoutSeconds are over: ministack leaves it running, unheeded."""
    token = _deadline.set(min(_deadline.get(), time.monotonic() + timeout))
    try:
        return _their_invocation(resource, argument, timeout)
    finally:
        _deadline.reset(token)


def _meeting_faults(resource: str, argument: Any) -> Any:
    """Call what the state calls, unless a fault was ordered for it."""
    fault = faults.due(*_state.get())
    is_job = "sagemaker:create" in resource and resource.endswith(".sync")
    if fault is None or (is_job and "error" not in fault):
        token = _fault.set(fault)
        try:
            return _their_call(resource, argument)
        finally:
            _fault.reset(token)
    if "timeout" in fault:
        _fail("States.Timeout", "")
    if "job" in fault:
        _fail("States.Runtime", f"{resource} starts no job that could {fault['job']}")
    service, _, action = resource.split("aws-sdk:" if "aws-sdk:" in resource else ":::", 1)[1].partition(":")
    if "aws-sdk:" in resource:
        client = aws.client(_service_names()[service])
        prefix = java = _java_name(client)
    else:
        name, prefix, java = _OPTIMIZED[service]
        client = aws.client(name)
    metadata = {"HTTPStatusCode": fault["status"], "RequestId": "fault"}
    answer = {"Error": {"Code": fault["error"], "Message": fault["message"]}, "ResponseMetadata": metadata}
    _fail_as(ClientError(answer, action), client, prefix, java)


def nobody_waits() -> None:
    """Let what is done from here on in this thread depend on no execution that went before."""
    _executions.set(())
    _deadline.set(math.inf)


def _given_up() -> bool:
    """Whether nobody waits any more for what is being done."""
    return time.monotonic() > _deadline.get() or any(one["status"] != "RUNNING" for one in _executions.get())


def _fail_if_running(execution: Json, error: str, cause: str) -> None:
    """Keep an aborted execution aborted when its task ends with an error afterwards."""
    if execution["status"] == "RUNNING":
        _their_failure(execution, error, cause)


def _fail(error: str, cause: str) -> NoReturn:
    raise stepfunctions._ExecutionError(error, cause)


def _run_job(kind: str, resource: str, argument: Json) -> Any:
    """``sagemaker:create<kind>.sync``: run the job to its end, stop it when the task is given up."""
    if not resource.endswith(".sync"):
        _fail("States.Runtime", f"localaws implements {resource}.sync only, not {resource}")
    client, verb = aws.client("sagemaker"), xform_name(kind)
    _call(client, f"create_{verb}", argument, "SageMaker", "AmazonSageMaker")
    name = {f"{kind}Name": argument[f"{kind}Name"]}
    fault = _fault.get() or {}
    if fault.get("job") == "fail":
        arn = getattr(client, f"describe_{verb}")(**name)[f"{kind}Arn"]
        by_arn(arn)["job"].break_down(fault["reason"])
    elif fault.get("job") == "stop":
        getattr(client, f"stop_{verb}")(**name)
    while True:
        job = getattr(client, f"describe_{verb}")(**name)
        status = job[f"{kind}Status"]
        if status in ("Completed", "Failed", "Stopped"):
            break
        if _given_up() or "timeout" in fault:
            with contextlib.suppress(ClientError):  # it ended meanwhile
                getattr(client, f"stop_{verb}")(**name)
            _fail("States.Timeout", "the task was given up; its job was stopped")
        time.sleep(POLL_SECONDS)
    del job["ResponseMetadata"]
    result = json.dumps(job, default=epoch_milliseconds, ensure_ascii=False)
    if status != "Completed":
        _fail("States.TaskFailed", result)
    return json.loads(result)


def _publish(resource: str, argument: Json) -> Any:
    """``sns:publish``: ministack's own loses MessageAttributes and gives errors names of its own."""
    message = argument.get("Message")
    if not isinstance(message, str):
        argument = {**argument, "Message": json.dumps(message, ensure_ascii=False)}
    return _call(aws.client("sns"), "publish", argument, "SNS", "AmazonSNS")


def _call_sdk(resource: str, argument: Any) -> Any:
    """``arn:aws:states:::aws-sdk:<service>:<action>`` through boto3, for every service and action."""
    service, _, action = resource.split("aws-sdk:", 1)[1].partition(":")
    if service not in _service_names():
        _fail("States.Runtime", f"there is no AWS service {service!r} ({resource})")
    client = aws.client(_service_names()[service])
    operations = {name.lower(): (method, name) for method, name in client.meta.method_to_api_mapping.items()}
    if action.lower() not in operations:
        _fail("States.Runtime", f"there is no action {action!r} of {service!r} ({resource})")
    method, name = operations[action.lower()]
    model = client.meta.service_model.operation_model(name)
    request = argument or {}
    if model.input_shape:
        request = stepfunctions._sdk_json_param_value(request, model.input_shape)
        for member, shape in model.input_shape.members.items():
            # What is to be bytes may be given as JSON, as is a manifest to s3:putObject.
            if shape.type_name == "blob" and isinstance(request.get(member), dict | list):
                request[member] = json.dumps(request[member], ensure_ascii=False)
    java = _java_name(client)
    answer = _call(client, method, request, java, java)
    result = stepfunctions._sdk_json_value(answer, model.output_shape) if model.output_shape else {}
    return json.loads(json.dumps(result, default=_text))


def _java_name(client: Any) -> str:
    """The service id as the AWS SDK for Java writes it in names: SSM → Ssm, SageMaker → SageMaker."""
    words = re.findall(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+", client.meta.service_model.service_id)
    return "".join(word.capitalize() for word in words)


def _call(client: Any, method: str, request: Json, prefix: str, java: str) -> Json:
    """Call an API; its error becomes the task's, under its name in the SDK for Java.

    ``java`` is what that SDK calls the service: version 1 for the optimized integrations, 2 for ``aws-sdk``.
    """
    # JSONata knows one kind of number; an API's whole ones must not be floats.
    request = json.loads(json.dumps(request), parse_float=_number)
    try:
        answer: Json = getattr(client, method)(**request)
    except ClientError as error:
        _fail_as(error, client, prefix, java)
    except BotoCoreError as error:
        _fail("States.Runtime", f"{method}: {error}")
    del answer["ResponseMetadata"]
    return answer


def _fail_as(error: ClientError, client: Any, prefix: str, java: str) -> NoReturn:
    """Fail the task by an API's error."""
    response, metadata = error.response, error.response["ResponseMetadata"]
    shape = client.meta.service_model.shape_for_error_code(response["Error"]["Code"])
    name = shape.name.removesuffix("Fault").removesuffix("Exception") if shape else java
    _fail(
        f"{prefix}.{name}Exception",
        f"{response['Error'].get('Message', '')} (Service: {java}, Status Code: "
        f"{metadata['HTTPStatusCode']}, Request ID: {metadata.get('RequestId', '')})",
    )


@cache
def _service_names() -> dict[str, str]:
    """botocore's names by those in resource ARNs, which are the same without hyphens, or nicknames."""
    names = {name.replace("-", ""): name for name in boto3.session.Session().get_available_services()}
    return names | {"sfn": "stepfunctions", "cloudwatchlogs": "logs", "eventbridge": "events"}


def _number(digits: str) -> int | float:
    return int(float(digits)) if float(digits).is_integer() else float(digits)


def _text(value: Any) -> str:
    """What JSON lacks in a boto3 answer: times in ISO 8601, bodies as text."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return (value.read() if isinstance(value, StreamingBody) else bytes(value)).decode(errors="replace")
