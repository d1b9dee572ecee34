"""Reviews as the parts of the review make them, for the tests of the pages."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

from review.model import (
    Cost,
    CostLine,
    Danger,
    EnvironmentReview,
    FileChange,
    Finding,
    Json,
    PermissionChange,
    PropertyChange,
    ResourceChange,
    Review,
    SettingChange,
    WorkflowChange,
)

BASE, HEAD = "main (777eba8)", "서빙-확장 (1a2b3c4)"

_PRICES = "on demand in Asia Pacific (Seoul), as of 2026-10-01"
_COST = Cost(
    prices=_PRICES,
    lines=(
        CostLine(
            "real-time endpoint: 2 × ml.c6i.xlarge", "730 h a month, the least number of instances", 357.7
        ),
        CostLine("retrains: 4 a month", "1.5 h of ml.g5.xlarge and 0.5 h of ml.c6i.xlarge each", 11.04),
        CostLine("key", "one customer managed key; requests left out", 1.0),
        CostLine("VPC endpoints: 9 in 2 zones", "730 h a month; traffic left out", 170.82),
    ),
    retrain=2.76,
    million_predictions={"real time": 1.34, "batch transform": 0.91},
)
_DEARER = Cost(
    prices=_PRICES,
    lines=(
        CostLine(
            "real-time endpoint: 2 × ml.g5.xlarge", "730 h a month, the least number of instances", 2524.34
        ),
        *_COST.lines[1:3],
        CostLine("VPC endpoints: 10 in 2 zones", "730 h a month; traffic left out", 189.8),
        CostLine("dead-letter queue", "fewer than a million messages a month", 0.0),
    ),
    retrain=2.76,
    million_predictions={"real time": 2.21, "batch transform": 0.91},
    unknown=("ml.g9.xlarge: no price in ap-northeast-2",),
)


def task(following: str, **arguments: Any) -> Json:
    """A task state."""
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::sagemaker:createTrainingJob.sync",
        "Arguments": arguments,
        "Next": following,
    }


def retrain() -> Json:
    """A workflow with a gate, plumbing and ends."""
    return {
        "StartAt": "CheckInput",
        "States": {
            "CheckInput": {"Type": "Choice", "Choices": [{"Next": "RefuseInput"}], "Default": "Prepare"},
            "RefuseInput": {"Type": "Pass", "Next": "Failed"},
            "Prepare": task("Train"),
            "Train": task(
                "ReadEvaluation",
                StoppingCondition={"MaxRuntimeInSeconds": 14400},
                ResourceConfig={"InstanceType": "ml.g5.xlarge", "InstanceCount": 1},
            ),
            "ReadEvaluation": task("Gate"),
            "Gate": {"Type": "Choice", "Choices": [{"Next": "RegisterRejected"}], "Default": "Promote"},
            "RegisterRejected": task("RejectedByGate"),
            "RejectedByGate": {"Type": "Succeed"},
            "Promote": {
                **task("Promoted"),
                "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "RestoreChampion"}],
            },
            "Promoted": {"Type": "Succeed"},
            "RestoreChampion": task("Failed"),
            "Failed": {"Type": "Fail"},
        },
    }


def retrain_with_an_approval() -> Json:
    """The same with a state more, one fewer, and two that differ."""
    definition = copy.deepcopy(retrain())
    states = definition["States"]
    states["Train"]["Arguments"]["ResourceConfig"]["InstanceType"] = "ml.g5.2xlarge"
    states["Train"]["Comment"] = "더 큰 인스턴스에서 학습한다"
    states["Gate"]["Default"] = "AskForApproval"
    states["AskForApproval"] = task("Promote")
    states["ReadEvaluation"]["Arguments"] = {"Key": "evaluation.json"}
    states["Gate"]["Choices"] = [{"Next": "RejectedByGate"}]
    del states["RegisterRejected"]
    return definition


def workflow(environment: str) -> WorkflowChange:
    """What that does to an environment."""
    return WorkflowChange(
        f"nunchi-{environment}-training",
        "retrain",
        retrain(),
        retrain_with_an_approval(),
        {
            "Train": "changed",
            "Gate": "changed",
            "ReadEvaluation": "changed",
            "AskForApproval": "added",
            "RegisterRejected": "removed",
        },
    )


def _permission(environment: str, action: str, resource: str, **more: Any) -> PermissionChange:
    return PermissionChange(
        f"nunchi-{environment}-training", "role of train", "Allow", action, resource, **more
    )


def _alarm(environment: str) -> ResourceChange:
    return ResourceChange(
        environment,
        f"nunchi-{environment}-monitoring",
        "AlarmsRetrainFailed1C0FFEE0",
        "Alarms/RetrainFailed",
        "AWS::CloudWatch::Alarm",
        "removed",
        dangers=(Danger("alarms", f"Nobody is told any more when a retrain of nunchi-{environment} fails"),),
    )


def _everywhere(environment: str) -> tuple[ResourceChange, ...]:
    stack = f"nunchi-{environment}-training"
    return (
        ResourceChange(
            environment,
            stack,
            "RetrainStateMachine1234ABCD",
            "Retrain/StateMachine",
            "AWS::StepFunctions::StateMachine",
            "changed",
            (PropertyChange("DefinitionString", "{before}", "{after}"),),
        ),
        ResourceChange(
            environment,
            stack,
            "RolesTrain9876FEDC",
            "Roles/Train/Policy",
            "AWS::IAM::ManagedPolicy",
            "changed",
            (
                PropertyChange(
                    "PolicyDocument.Statement[1].Resource[0]",
                    "<data bucket>/train/*",
                    "<data bucket>/*",
                ),
            ),
            (
                Danger(
                    "permissions",
                    f"The role of train may delete every object of nunchi-{environment}'s data bucket",
                ),
            ),
        ),
        ResourceChange(
            environment,
            stack,
            "DeadLetters5555AAAA",
            "Promotion/DeadLetters",
            "AWS::SQS::Queue",
            "added",
            (PropertyChange("MessageRetentionPeriod", None, 1209600),),
        ),
        _alarm(environment),
    )


def _prod_alone() -> tuple[ResourceChange, ...]:
    return (
        ResourceChange(
            "prod",
            "nunchi-prod-storage",
            "Data0123ABCD",
            "Data",
            "AWS::S3::Bucket",
            "replaced",
            (
                PropertyChange("BucketName", "nunchi-prod-data", "nunchi-prod-reviews", replaces=True),
                PropertyChange(
                    "LifecycleConfiguration.Rules",
                    [{"Id": "old", "Prefix": "splits/", "ExpirationInDays": 180, "Status": "Enabled"}],
                    [
                        {"Id": "old", "Prefix": "splits/", "ExpirationInDays": 30, "Status": "Enabled"},
                        {
                            "Id": "requests",
                            "Prefix": "requests/",
                            "ExpirationInDays": 90,
                            "Status": "Enabled",
                        },
                    ],
                ),
                PropertyChange("Tags[2].Value", None, "리뷰 원문 (개인정보)"),
            ),
            (
                Danger(
                    "data",
                    "The bucket Data is replaced because of BucketName: the old one stays with its objects.",
                ),
                Danger(
                    "protection",
                    "The bucket Data goes with its stack: its DeletionPolicy was Retain, and is Delete",
                ),
            ),
        ),
        ResourceChange(
            "prod",
            "nunchi-prod-serving",
            "RealtimeEndpointAAAA1111",
            "Realtime/Endpoint",
            "AWS::SageMaker::Endpoint",
            "perhaps replaced",
            (
                PropertyChange("EndpointName", "nunchi-prod-realtime", "<EndpointName>", replaces=True),
                PropertyChange(
                    "DeploymentConfig.BlueGreenUpdatePolicy.TrafficRoutingConfiguration.CanarySize.Value",
                    50,
                    10,
                ),
                PropertyChange("RetainDeploymentConfig", True, None),
            ),
            (
                Danger(
                    "downtime",
                    "The endpoint nunchi-prod may be replaced: callers get errors until a new one is up",
                ),
            ),
        ),
        ResourceChange(
            "prod",
            "nunchi-prod-network",
            "SageMakerGroupBBBB2222",
            "Network/JobsGroup",
            "AWS::EC2::SecurityGroup",
            "changed",
            (PropertyChange("SecurityGroupEgress[0].CidrIp", "10.0.0.0/16", "0.0.0.0/0"),),
            (
                Danger(
                    "exposure",
                    "What is in the security group JobsGroup may talk to every address on port 443",
                ),
            ),
        ),
        ResourceChange(
            "prod",
            "nunchi-prod-training",
            "ScheduleCCCC3333",
            "Schedule/Retrain",
            "AWS::Scheduler::Schedule",
            "changed",
            (PropertyChange("ScheduleExpression", "cron(0 3 ? * SUN *)", "cron(0 3 * * ? *)"),),
            (
                Danger(
                    "schedule",
                    "The schedule nunchi-prod-retrain starts cron(0 3 * * ? *); before: cron(0 3 ? * SUN *)",
                ),
            ),
        ),
    )


def _environment(name: str) -> EnvironmentReview:
    everywhere = _everywhere(name)
    resources = (*_prod_alone(), *everywhere) if name == "prod" else everywhere
    return EnvironmentReview(
        name,
        resources=tuple(sorted(resources, key=lambda resource: not resource.dangers)),
        widened=(
            _permission(name, "s3:DeleteObject", "bucket Data/*"),
            _permission(name, "s3:GetObject", "bucket Data/*", condition="aws:SourceVpc is <vpc>"),
            PermissionChange(
                f"nunchi-{name}-storage", "bucket Data", "Deny", "s3:*", "bucket Data/*", "*", "no TLS"
            ),
        ),
        narrowed=(
            _permission(name, "s3:GetObject", "bucket Data/train/*"),
            PermissionChange(
                f"nunchi-{name}-serving",
                "role of serve",
                "Allow",
                "logs:CreateLogStream",
                f"log-group:/aws/sagemaker/Endpoints/nunchi-{name}-real-time-endpoint-of-the-champion-model:*",
            ),
        ),
        workflows=(workflow(name),),
        settings=(
            SettingChange("training.instance_type", "ml.g5.xlarge", "ml.g5.2xlarge"),
            *([SettingChange("serving.realtime.max_instances", None, 8)] if name == "prod" else []),
            *([SettingChange("owner", "nlp-team", "자연어처리팀")] if name == "prod" else []),
        ),
        new_findings=(
            (Finding("nunchi-prod-network/Network/JobsGroup/Resource", "AwsSolutions-EC23"),)
            if name == "prod"
            else ()
        ),
        new_acknowledgements=(
            Finding(
                f"nunchi-{name}-training/Roles/Train/Policy/Resource",
                "AwsSolutions-IAM5[Resource::<Data>/*]",
                "학습 작업은 리뷰 전체를 읽는다: it reads whatever prefix is named, see #42 and @nlp-team.",
            ),
        ),
        gone_acknowledgements=(Finding(f"nunchi-{name}-storage/Logs/Resource", "AwsSolutions-S1", "old"),),
        cost_before=_COST,
        cost_after=_DEARER if name == "prod" else _COST,
    )


def everything() -> Review:
    """A review with every section, and Korean in it."""
    return Review(
        BASE,
        HEAD,
        tuple(map(_environment, ("dev", "staging", "prod"))),
        code=(
            FileChange("train.py", "changed", 42, 7),
            FileChange("inference_code/정규화.py", "added", 88),
            FileChange("rows.py", "changed", 2, 2, only_comments=True),
            FileChange("legacy.py", "removed", 0, 130),
        ),
        libraries=("aws-cdk-lib 2.274.0 → 2.275.0",),
        notes=("The price table has no price of ml.g9.xlarge, so that prod's cost is too low.",),
    )


def nothing() -> Review:
    """Nothing changed."""
    same = (EnvironmentReview(name, cost_before=_COST, cost_after=_COST) for name in ("dev", "prod"))
    return Review(BASE, HEAD, tuple(same))


def comment_alone() -> Review:
    """A comment of the training code changed, and with it the hash of the asset."""
    hashed = tuple(replace(one, code_only=True) for one in nothing().environments)
    return Review(BASE, HEAD, hashed, code=(FileChange("train.py", "changed", 1, 1, only_comments=True),))


def code_alone() -> Review:
    """The training code changed."""
    return replace(comment_alone(), code=everything().code)


def library_alone() -> Review:
    """An upgrade that changes nothing real."""
    return replace(nothing(), libraries=("aws-cdk-lib 2.274.0 → 2.275.0",))


def new_environment() -> Review:
    """A file more in `config/`."""
    kinds = ("AWS::S3::Bucket", "AWS::IAM::Role", "AWS::CloudWatch::Alarm", "AWS::SageMaker::Endpoint")
    resources = tuple(
        ResourceChange(
            "qa",
            f"nunchi-qa-{stack}",
            f"Thing{number}",
            f"{stack.title()}/Thing{number}",
            kinds[number % 4],
            "added",
        )
        for stack in ("storage", "training", "serving")
        for number in range(12)
    )
    new = EnvironmentReview(
        "qa",
        resources=resources,
        workflows=(WorkflowChange("nunchi-qa-training", "retrain", {}, retrain()),),
        cost_after=_COST,
    )
    return Review(BASE, HEAD, (*nothing().environments, new))
