"""The monitoring stack: dashboard, alarms, budget."""

from __future__ import annotations

from constructs import Construct

from stacks.alarms import Metric, make_alarm
from stacks.budget import Budget
from stacks.dashboard import Dashboard
from stacks.dead_letters import dead_letter_queue
from stacks.endpoint_metrics import invocation_metric
from stacks.environment_stack import EnvironmentStack, arn
from stacks.realtime import ERROR_PERCENT, guarding_alarms
from stacks.settings import Settings
from stacks.training import TrainingStack

_CLIENT_ERROR_PERCENT = 10


class MonitoringStack(EnvironmentStack):
    """What a person on call looks at, and what calls that person."""

    def __init__(self, scope: Construct, settings: Settings, *, training: TrainingStack) -> None:
        """Build it; the alarms tell `training`'s topic."""
        super().__init__(scope, settings, "monitoring", holds="dashboard, alarms, budget", after=[training])
        self._actions = [training.exports.topic_arn]
        self._names = guarding_alarms(settings)
        self._workflows()
        self._endpoints()
        Dashboard(self, settings=settings, alarms=self._names)
        Budget(self, settings=settings, topic_arn=training.exports.topic_arn)

    def _workflows(self) -> None:
        serving = self._settings.serving
        for machine in ("retrain", "promote", *(["transform"] if serving.batch else []), "notify"):
            name = self._settings.name(machine)
            dimensions = {"StateMachineArn": arn("states", f"stateMachine:{name}")}
            self._alarm(
                f"{machine.title()}Failed",
                f"{machine}-failed",
                f"An execution of {name} failed, timed out or was stopped. The message"
                " before this one says why; if there is none, see the execution.",
                {
                    end.lower(): Metric("AWS/States", f"Executions{end}", dimensions, "Sum")
                    for end in ("Failed", "TimedOut", "Aborted")
                },
                expression="failed + timedout + aborted",
            )
        batch = serving.batch
        by_itself = bool(batch and (batch.schedule or batch.on_arrival))
        for part in ("training", *(["serving"] if by_itself else [])):
            queue = dead_letter_queue(self._settings, part)
            self._alarm(
                f"{part.title()}NotStarted",
                f"{part}-not-started",
                f"A schedule or an event could not start its workflow. The queue {queue} holds the reason.",
                {
                    "waiting": Metric(
                        "AWS/SQS", "ApproximateNumberOfMessagesVisible", {"QueueName": queue}, "Maximum"
                    )
                },
            )

    def _endpoints(self) -> None:
        serving = self._settings.serving
        names = {
            "endpoint": self._settings.endpoint_name if serving.realtime else None,
            "serverless": self._settings.serverless_endpoint_name if serving.serverless else None,
        }
        for part, name in names.items():
            if name:
                self._error_alarm(
                    f"{part.title()}ClientErrors",
                    f"{part}-client-errors",
                    name,
                    "4XX",
                    f"More than {_CLIENT_ERROR_PERCENT} % of the requests to {name} are refused (4xx):"
                    " a caller has changed, or the model's handler has.",
                    _CLIENT_ERROR_PERCENT,
                )
        if name := names["serverless"]:
            self._error_alarm(
                "ServerlessErrors",
                "serverless-errors",
                name,
                "5XX",
                f"More than {ERROR_PERCENT} % of the requests to {name} fail by our fault (5xx). See the log"
                f" group /aws/sagemaker/Endpoints/{name}; out of memory is the likeliest reason.",
                ERROR_PERCENT,
            )

    def _error_alarm(
        self, construct_id: str, part: str, endpoint: str, errors: str, description: str, percent: float
    ) -> None:
        self._alarm(
            construct_id,
            part,
            description,
            {
                "errors": invocation_metric(endpoint, f"Invocation{errors}Errors", "Sum"),
                "invocations": invocation_metric(endpoint, "Invocations", "Sum"),
            },
            expression="IF(invocations > 0, 100 * errors / invocations, 0)",
            threshold=percent,
        )

    def _alarm(
        self,
        construct_id: str,
        part: str,
        description: str,
        metrics: dict[str, Metric],
        *,
        expression: str | None = None,
        threshold: float = 0,
    ) -> None:
        name = self._settings.name(part)
        self._names.append(name)
        make_alarm(
            self,
            construct_id,
            name=name,
            description=description,
            metrics=metrics,
            expression=expression,
            threshold=threshold,
            actions=self._actions,
        )
