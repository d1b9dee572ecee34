"""The integrations of Step Functions that ministack lacks: SageMaker's jobs, and every ``aws-sdk:…``."""

import contextlib
import json
import math
import re
import time
from collections.abc import Callable
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import cache
from typing import Any, NoReturn

import boto3
from botocore import xform_name
from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError
from botocore.response import StreamingBody
from ministack.services import stepfunctions

from localaws import aws
from localaws.events import epoch_milliseconds

POLL_SECONDS = 0.2
# Services whose name in a resource ARN is not botocore's without its hyphens.
SERVICES = {"sfn": "stepfunctions", "cloudwatchlogs": "logs", "eventbridge": "events"}

Json = dict[str, Any]

# The executions that wait for what is being done, outermost first, and when their first time-out is over.
_executions: ContextVar[tuple[Json, ...]] = ContextVar("executions", default=())
_deadline: ContextVar[float] = ContextVar("deadline", default=math.inf)


def install() -> None:
    """Put the integrations into ministack's tables."""
    for kind in ("TrainingJob", "ProcessingJob"):
        stepfunctions._SERVICE_DISPATCH[f"arn:aws:states:::sagemaker:create{kind}"] = _job_runner(kind)
    stepfunctions._SERVICE_DISPATCH["arn:aws:states:::sns:publish"] = _publish
    stepfunctions._invoke_aws_sdk_integration = call_sdk
    stepfunctions._execute_task = _telling_execution(stepfunctions._execute_task)
    stepfunctions._invoke_resource_with_timeout = _telling_deadline(
        stepfunctions._invoke_resource_with_timeout
    )
    stepfunctions._fail_execution = _only_if_running(stepfunctions._fail_execution)


def _telling_execution(theirs: Callable[..., Any]) -> Callable[..., Any]:
    """Let a task know whom it works for: ministack does not stop a task whose execution is aborted."""

    def execute_task(state: Json, raw_input: Any, execution: Json, context: Json) -> Any:
        if _given_up():
            stepfunctions._stop_execution({"executionArn": execution["executionArn"]})
            _fail("States.Runtime", "the execution that waited for this one ended")
        others = _executions.get()
        token = _executions.set(others if execution in others else (*others, execution))
        try:
            return theirs(state, raw_input, execution, context)
        finally:
            _executions.reset(token)

    return execute_task


def _telling_deadline(theirs: Callable[..., Any]) -> Callable[..., Any]:
    """Let a task know when its TimeoutSeconds are over: ministack leaves it running, unheeded."""

    def invoke(resource: str, argument: Any, timeout: float) -> Any:
        token = _deadline.set(min(_deadline.get(), time.monotonic() + timeout))
        try:
            return theirs(resource, argument, timeout)
        finally:
            _deadline.reset(token)

    return invoke


def _given_up() -> bool:
    """Whether nobody waits any more for what is being done."""
    return time.monotonic() > _deadline.get() or any(one["status"] != "RUNNING" for one in _executions.get())


def _only_if_running(theirs: Callable[..., None]) -> Callable[..., None]:
    """Keep an aborted execution aborted when its task ends with an error afterwards."""

    def fail(execution: Json, error: str, cause: str) -> None:
        if execution["status"] == "RUNNING":
            theirs(execution, error, cause)

    return fail


def _fail(error: str, cause: str) -> NoReturn:
    raise stepfunctions._ExecutionError(error, cause)


def _job_runner(kind: str) -> Callable[[str, Json], Json]:
    """``sagemaker:create<kind>.sync``: run the job to its end, stop it when the task is given up."""
    verb = xform_name(kind)

    def run(resource: str, argument: Json) -> Json:
        if not resource.endswith(".sync"):
            _fail("States.Runtime", f"localaws implements {resource}.sync only, not {resource}")
        client = aws.client("sagemaker")
        name = {f"{kind}Name": argument.get(f"{kind}Name")}
        # The optimized integrations name errors as version 1 of the SDK for Java does.
        service = "SageMaker", "AmazonSageMakerException", "AmazonSageMaker"
        _call(client, f"create_{verb}", _whole(argument), *service)
        while True:
            job = getattr(client, f"describe_{verb}")(**name)
            status = job[f"{kind}Status"]
            if status in ("Completed", "Failed", "Stopped"):
                break
            if _given_up():
                with contextlib.suppress(ClientError):  # it ended meanwhile
                    getattr(client, f"stop_{verb}")(**name)
                _fail("States.Timeout", "the task was given up; its job was stopped")
            time.sleep(POLL_SECONDS)
        del job["ResponseMetadata"]
        result = json.dumps(job, default=epoch_milliseconds, ensure_ascii=False)
        if status != "Completed":
            _fail("States.TaskFailed", result)
        return json.loads(result)  # type: ignore[no-any-return]

    return run


def _publish(resource: str, argument: Json) -> Any:
    """``sns:publish``: ministack's own loses MessageAttributes and gives errors names of its own."""
    message = argument.get("Message")
    if not isinstance(message, str):
        argument = {**argument, "Message": json.dumps(message, ensure_ascii=False)}
    answer = _call(aws.client("sns"), "publish", argument, "SNS", "AmazonSNSException", "AmazonSNS")
    return {"MessageId": answer["MessageId"]}


def call_sdk(resource: str, argument: Any) -> Any:
    """``arn:aws:states:::aws-sdk:<service>:<action>`` through boto3, for every service and action."""
    service, _, action = resource.split("aws-sdk:", 1)[1].partition(":")
    client = aws.client(_botocore_name(service, resource))
    methods = {name.lower(): method for method, name in client.meta.method_to_api_mapping.items()}
    if action.lower() not in methods:
        _fail("States.Runtime", f"there is no action {action!r} of {service!r} ({resource})")
    method = methods[action.lower()]
    model = client.meta.service_model.operation_model(client.meta.method_to_api_mapping[method])
    request = _whole(argument or {})
    if model.input_shape:
        request = stepfunctions._sdk_json_param_value(request, model.input_shape)
    prefix = _java_name(client.meta.service_model.service_id)
    answer = _call(client, method, request, prefix, f"{prefix}Exception", prefix)
    return _result(stepfunctions._sdk_json_value(answer, model.output_shape) if model.output_shape else {})


def _call(client: Any, method: str, request: Json, prefix: str, base: str, service: str) -> Json:
    """Call an API; its error becomes the task's: ``prefix.<its name>``, or ``prefix.base`` if it has none."""
    try:
        answer: Json = getattr(client, method)(**request)
    except ParamValidationError as error:
        _fail("States.Runtime", f"{method}: {error}")
    except ClientError as error:
        _fail(_error_name(error, client, prefix, base), _cause(error, service))
    except BotoCoreError as error:
        _fail("States.TaskFailed", f"{method}: {error}")
    del answer["ResponseMetadata"]
    return answer


@cache
def _known_services() -> dict[str, str]:
    return {name.replace("-", ""): name for name in boto3.session.Session().get_available_services()}


def _botocore_name(service: str, resource: str) -> str:
    name = SERVICES.get(service) or _known_services().get(service)
    if name is None:
        _fail("States.Runtime", f"there is no AWS service {service!r} ({resource})")
    return name


def _java_name(service_id: str) -> str:
    """The service id as the AWS SDK for Java writes it in names: SSM → Ssm, SageMaker → SageMaker."""
    words = re.findall(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+", service_id)
    return "".join(word.capitalize() for word in words)


def _error_name(error: ClientError, client: Any, prefix: str, base: str) -> str:
    """The name of an API's error: by its exception in the SDK for Java, or the base one where it has none."""
    code = error.response["Error"]["Code"]
    shape = client.meta.service_model.shape_for_error_code(code)
    if shape is None:
        return f"{prefix}.{base}"
    name = shape.name.removesuffix("Fault")
    return f"{prefix}.{name}" if name.endswith("Exception") else f"{prefix}.{name}Exception"


def _cause(error: ClientError, service: str) -> str:
    metadata = error.response["ResponseMetadata"]
    return (
        f"{error.response['Error'].get('Message', '')} (Service: {service}, Status Code: "
        f"{metadata['HTTPStatusCode']}, Request ID: {metadata.get('RequestId', '')})"
    )


def _whole(value: Any) -> Any:
    """JSONata knows one kind of number; an API's whole ones must not be floats."""
    if isinstance(value, dict):
        return {key: _whole(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_whole(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _result(value: Any) -> Any:
    """JSON of a boto3 answer: times in ISO 8601, bodies as text."""
    if isinstance(value, dict):
        return {key: _result(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_result(item) for item in value]
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if isinstance(value, StreamingBody):
        value = value.read()
    return value.decode("utf-8", errors="replace") if isinstance(value, bytes) else value
