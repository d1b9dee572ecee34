"""Resource types that the application's templates have: made, changed in place, and removed."""

import copy
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localaws import LocalAws
from tests.localaws.helpers import ACCOUNT, REGION
from tests.localaws.stacks import Json, arn, deploy, own, policy, reasons, remove, settled, tags

TRUST = policy(Principal={"Service": "states.amazonaws.com"}, Action="sts:AssumeRole")
KEY = policy(
    Principal={"AWS": {"Fn::Sub": "arn:aws:iam::${AWS::AccountId}:root"}}, Action="kms:*", Resource="*"
)


def resource(kind: str, **properties: Any) -> Json:
    return {"Type": f"AWS::{kind}", "Properties": properties}


def template(**resources: Json) -> Json:
    return {"Resources": resources}


# Storage


def storage(*, days: int = 30, env: str = "dev") -> Json:
    encryption = {
        "BucketKeyEnabled": True,
        "ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": arn("Key")},
    }
    rules = [
        {
            "Id": "captured",
            "Status": "Enabled",
            "Prefix": "captured/",
            "ExpirationInDays": days,
            "Transitions": [{"StorageClass": "STANDARD_IA", "TransitionInDays": 7}],
            "NoncurrentVersionExpiration": {"NoncurrentDays": 30, "NewerNoncurrentVersions": 2},
            "NoncurrentVersionTransitions": [{"StorageClass": "GLACIER", "TransitionInDays": 10}],
        },
        {
            "Id": "parts",
            "Status": "Enabled",
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
        },
    ]
    denied = {"Principal": {"AWS": "*"}, "Action": "s3:*", "Resource": arn("Data"), "Effect": "Deny"}
    return template(
        Key=resource(
            "KMS::Key", KeyPolicy=KEY, EnableKeyRotation=True, PendingWindowInDays=7, Tags=tags(env=env)
        ),
        Alias=resource("KMS::Alias", AliasName="alias/templates", TargetKeyId={"Ref": "Key"}),
        Logs=resource(
            "S3::Bucket", OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
        ),
        Data=resource(
            "S3::Bucket",
            BucketEncryption={"ServerSideEncryptionConfiguration": [encryption]},
            LifecycleConfiguration={"Rules": rules},
            LoggingConfiguration={"DestinationBucketName": {"Ref": "Logs"}, "LogFilePrefix": "data/"},
            VersioningConfiguration={"Status": "Enabled"},
            Tags=tags(env=env),
        ),
        DataPolicy=resource("S3::BucketPolicy", Bucket={"Ref": "Data"}, PolicyDocument=policy(**denied)),
        Topic=resource("SNS::Topic", KmsMasterKeyId=arn("Key"), Tags=tags(env=env)),
        TopicPolicy=resource(
            "SNS::TopicPolicy",
            Topics=[{"Ref": "Topic"}],
            PolicyDocument=policy(
                Principal={"Service": "cloudwatch.amazonaws.com"}, Action="sns:Publish", Resource="*"
            ),
        ),
        Queue=resource("SQS::Queue", KmsMasterKeyId=arn("Key"), Tags=tags(env=env)),
        QueuePolicy=resource(
            "SQS::QueuePolicy",
            Queues=[{"Ref": "Queue"}],
            PolicyDocument=policy(Principal={"AWS": "*"}, Action="sqs:*", Resource=arn("Queue")),
        ),
    )


def test_storage_is_made_as_the_template_says_changed_and_removed(aws: LocalAws, name: str) -> None:
    s3, kms, sns, sqs = (aws.client(service) for service in ("s3", "kms", "sns", "sqs"))
    made = deploy(aws, name, storage(), Tags=tags(Project="nunchi"))
    key, bucket = made["Key"], made["Data"]
    key_arn = kms.describe_key(KeyId="alias/templates")["KeyMetadata"]["Arn"]
    assert key_arn.endswith(key)
    assert kms.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"]
    statement = json.loads(kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"])["Statement"][0]
    assert statement["Principal"] == {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
    [rule] = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule == {
        "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key_arn},
        "BucketKeyEnabled": True,
    }
    assert s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"] == [
        {
            "ID": "captured",
            "Status": "Enabled",
            "Filter": {"Prefix": "captured/"},
            "Expiration": {"Days": 30},
            "Transitions": [{"StorageClass": "STANDARD_IA", "Days": 7}],
            "NoncurrentVersionExpiration": {"NoncurrentDays": 30, "NewerNoncurrentVersions": 2},
            "NoncurrentVersionTransitions": [{"StorageClass": "GLACIER", "NoncurrentDays": 10}],
        },
        {
            "ID": "parts",
            "Status": "Enabled",
            "Filter": {"Prefix": ""},
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
        },
    ]
    logging = s3.get_bucket_logging(Bucket=bucket)["LoggingEnabled"]
    assert logging == {"TargetBucket": made["Logs"], "TargetPrefix": "data/"}
    ownership = s3.get_bucket_ownership_controls(Bucket=made["Logs"])["OwnershipControls"]["Rules"]
    assert ownership == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    assert own(s3.get_bucket_tagging(Bucket=bucket)["TagSet"]) == {"env": "dev", "Project": "nunchi"}
    assert "Deny" in s3.get_bucket_policy(Bucket=bucket)["Policy"]
    topic = sns.get_topic_attributes(TopicArn=made["Topic"])["Attributes"]
    queue = sqs.get_queue_attributes(QueueUrl=made["Queue"], AttributeNames=["All"])["Attributes"]
    assert topic["KmsMasterKeyId"] == queue["KmsMasterKeyId"] == key_arn
    assert "cloudwatch.amazonaws.com" in topic["Policy"]
    assert "sqs:*" in queue["Policy"]

    assert deploy(aws, name, storage(days=90, env="prod"), Tags=tags(Project="nunchi")) == made
    rules = s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    assert rules[0]["Expiration"] == {"Days": 90}
    assert own(s3.get_bucket_tagging(Bucket=bucket)["TagSet"]) == {"env": "prod", "Project": "nunchi"}
    assert own(sns.list_tags_for_resource(ResourceArn=made["Topic"])["Tags"])["env"] == "prod"
    bare = storage()
    for property_ in ("BucketEncryption", "LifecycleConfiguration", "LoggingConfiguration"):
        del bare["Resources"]["Data"]["Properties"][property_]
    assert deploy(aws, name, bare) == made
    assert "LoggingEnabled" not in s3.get_bucket_logging(Bucket=bucket)
    with pytest.raises(ClientError, match="NoSuchLifecycleConfiguration"):
        s3.get_bucket_lifecycle_configuration(Bucket=bucket)

    remove(aws, name)
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "PendingDeletion"
    left = {item["Name"] for item in s3.list_buckets()["Buckets"]}
    assert not left & {bucket, made["Logs"]}
    assert made["Topic"] not in [item["TopicArn"] for item in sns.list_topics().get("Topics", [])]
    assert made["Queue"] not in sqs.list_queues().get("QueueUrls", [])


def test_object_is_encrypted_with_a_key_of_the_account_when_none_is_named(
    aws: LocalAws, bucket: str, name: str
) -> None:
    """As the CDK uploads its assets to the bucket of its bootstrap stack."""
    answer = aws.client("s3").put_object(Bucket=bucket, Key=name, Body=b"a", ServerSideEncryption="aws:kms")
    assert answer["SSEKMSKeyId"] == f"arn:aws:kms:{REGION}:{ACCOUNT}:alias/aws/s3"


def test_bucket_that_is_not_empty_is_not_removed(aws: LocalAws, name: str) -> None:
    made = deploy(aws, name, template(Data=resource("S3::Bucket")))
    aws.client("s3").put_object(Bucket=made["Data"], Key="a", Body=b"a")
    aws.client("cloudformation").delete_stack(StackName=name)
    assert settled(aws, name)["StackStatus"] == "DELETE_FAILED"
    assert any("BucketNotEmpty" in reason for reason in reasons(aws, name))


def test_retained_key_stays_usable(aws: LocalAws, name: str) -> None:
    key = resource("KMS::Key", KeyPolicy=KEY) | {"DeletionPolicy": "Retain"}
    made = deploy(aws, name, template(Key=key))
    remove(aws, name)
    assert aws.client("kms").describe_key(KeyId=made["Key"])["KeyMetadata"]["KeyState"] == "Enabled"


@pytest.mark.parametrize(
    ("kind", "properties", "named"),
    [
        (
            "S3::Bucket",
            {"AccelerateConfiguration": {"AccelerationStatus": "Enabled"}},
            "AccelerateConfiguration",
        ),
        ("S3::Bucket", {"LifecycleConfiguration": {"Rules": [{"Status": "Enabled", "Colour": 1}]}}, "Colour"),
        ("SNS::Topic", {"TracingConfig": "Active"}, "TracingConfig"),
    ],
)
def test_property_that_would_be_dropped_fails_by_name(
    aws: LocalAws, name: str, kind: str, properties: Json, named: str
) -> None:
    body = json.dumps(template(It=resource(kind, **properties)))
    aws.client("cloudformation").create_stack(StackName=name, TemplateBody=body)
    assert settled(aws, name)["StackStatus"] == "ROLLBACK_COMPLETE"
    assert any(named in reason for reason in reasons(aws, name))


# Network


def network(*, traffic: str = "ALL", env: str = "dev") -> Json:
    https = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443}
    vpc = {"Ref": "Vpc"}
    return template(
        Vpc=resource(
            "EC2::VPC",
            CidrBlock="10.1.0.0/16",
            EnableDnsHostnames=True,
            EnableDnsSupport=True,
            Tags=tags(env=env),
        ),
        SubnetA=resource(
            "EC2::Subnet",
            VpcId=vpc,
            CidrBlock="10.1.0.0/20",
            AvailabilityZone={"Fn::Select": [0, {"Fn::GetAZs": ""}]},
        ),
        SubnetB=resource(
            "EC2::Subnet",
            VpcId=vpc,
            CidrBlock="10.1.16.0/20",
            AvailabilityZone={"Fn::Select": [1, {"Fn::GetAZs": {"Ref": "AWS::Region"}}]},
        ),
        Routes=resource("EC2::RouteTable", VpcId=vpc),
        RoutesOfA=resource(
            "EC2::SubnetRouteTableAssociation", RouteTableId={"Ref": "Routes"}, SubnetId={"Ref": "SubnetA"}
        ),
        Group=resource(
            "EC2::SecurityGroup",
            GroupDescription="jobs",
            VpcId=vpc,
            SecurityGroupIngress=[{**https, "CidrIp": {"Fn::GetAtt": ["Vpc", "CidrBlock"]}}],
            SecurityGroupEgress=[{**https, "CidrIp": "0.0.0.0/0", "Description": "https"}],
            Tags=tags(env=env),
        ),
        ToS3=resource(
            "EC2::VPCEndpoint",
            VpcId=vpc,
            VpcEndpointType="Gateway",
            ServiceName={"Fn::Sub": "com.amazonaws.${AWS::Region}.s3"},
            RouteTableIds=[{"Ref": "Routes"}],
            PolicyDocument=policy(Principal={"AWS": "*"}, Action="s3:*", Resource="*"),
        ),
        ToLogs=resource(
            "EC2::VPCEndpoint",
            VpcId=vpc,
            VpcEndpointType="Interface",
            ServiceName={"Fn::Sub": "com.amazonaws.${AWS::Region}.logs"},
            PrivateDnsEnabled=True,
            SubnetIds=[{"Ref": "SubnetA"}, {"Ref": "SubnetB"}],
            SecurityGroupIds=[{"Fn::GetAtt": ["Group", "GroupId"]}],
        ),
        Policy=resource("IAM::ManagedPolicy", PolicyDocument=policy(Action="logs:*", Resource="*")),
        Role=resource(
            "IAM::Role",
            AssumeRolePolicyDocument=TRUST,
            ManagedPolicyArns=[{"Ref": "Policy"}],
            Tags=tags(env=env),
        ),
        FlowGroup=resource("Logs::LogGroup", RetentionInDays=30),
        Flow=resource(
            "EC2::FlowLog",
            ResourceId=vpc,
            ResourceType="VPC",
            TrafficType=traffic,
            MaxAggregationInterval=600,
            DeliverLogsPermissionArn=arn("Role"),
            LogGroupName={"Ref": "FlowGroup"},
            Tags=tags(env=env),
        ),
    )


def test_network_is_made_as_the_template_says_changed_and_removed(aws: LocalAws, name: str) -> None:
    ec2, iam = aws.client("ec2"), aws.client("iam")
    made = deploy(aws, name, network())
    subnets = ec2.describe_subnets(SubnetIds=[made["SubnetA"], made["SubnetB"]])["Subnets"]
    zones = {subnet["SubnetId"]: subnet["AvailabilityZone"] for subnet in subnets}
    assert zones == {made["SubnetA"]: f"{REGION}a", made["SubnetB"]: f"{REGION}b"}
    [group] = ec2.describe_security_groups(GroupIds=[made["Group"]])["SecurityGroups"]
    assert group["IpPermissions"][0]["IpRanges"] == [{"CidrIp": "10.1.0.0/16"}]
    assert group["IpPermissionsEgress"][0]["IpRanges"] == [{"CidrIp": "0.0.0.0/0", "Description": "https"}]
    [routes] = ec2.describe_route_tables(RouteTableIds=[made["Routes"]])["RouteTables"]
    assert [one["SubnetId"] for one in routes["Associations"]] == [made["SubnetA"]]
    [gateway] = ec2.describe_vpc_endpoints(VpcEndpointIds=[made["ToS3"]])["VpcEndpoints"]
    assert (gateway["ServiceName"], gateway["RouteTableIds"]) == (
        f"com.amazonaws.{REGION}.s3",
        [made["Routes"]],
    )
    [interface] = ec2.describe_vpc_endpoints(VpcEndpointIds=[made["ToLogs"]])["VpcEndpoints"]
    assert set(interface["SubnetIds"]) == {made["SubnetA"], made["SubnetB"]}
    attached = iam.list_attached_role_policies(RoleName=made["Role"])["AttachedPolicies"]
    assert [one["PolicyArn"] for one in attached] == [made["Policy"]]
    assert own(iam.list_role_tags(RoleName=made["Role"])["Tags"]) == {"env": "dev"}
    [flow] = ec2.describe_flow_logs(FlowLogIds=[made["Flow"]])["FlowLogs"]
    assert (flow["ResourceId"], flow["TrafficType"], own(flow["Tags"])) == (
        made["Vpc"],
        "ALL",
        {"env": "dev"},
    )

    assert deploy(aws, name, network(env="prod")) == made
    [flow] = ec2.describe_flow_logs(FlowLogIds=[made["Flow"]])["FlowLogs"]
    assert own(flow["Tags"]) == {"env": "prod"}
    changed = deploy(aws, name, network(env="prod", traffic="REJECT"))
    assert changed["Flow"] != made["Flow"]
    flows = ec2.describe_flow_logs()["FlowLogs"]
    assert [(flow["FlowLogId"], flow["TrafficType"]) for flow in flows] == [(changed["Flow"], "REJECT")]

    remove(aws, name)
    assert not ec2.describe_flow_logs()["FlowLogs"]
    assert made["Vpc"] not in [vpc["VpcId"] for vpc in ec2.describe_vpcs()["Vpcs"]]
    assert made["Group"] not in [one["GroupId"] for one in ec2.describe_security_groups()["SecurityGroups"]]
    endpoints = ec2.describe_vpc_endpoints()["VpcEndpoints"]
    assert not {one["VpcEndpointId"] for one in endpoints} & {made["ToS3"], made["ToLogs"]}
    assert made["Role"] not in [role["RoleName"] for role in iam.list_roles()["Roles"]]


def test_flow_log_of_a_network_that_there_is_not_is_refused(aws: LocalAws, name: str) -> None:
    flow = resource("EC2::FlowLog", ResourceId="vpc-1", ResourceType="VPC", DeliverLogsPermissionArn="arn:x")
    aws.client("cloudformation").create_stack(StackName=name, TemplateBody=json.dumps(template(Flow=flow)))
    assert settled(aws, name)["StackStatus"] == "ROLLBACK_COMPLETE"
    assert any("vpc-1" in reason for reason in reasons(aws, name))


# Workflow and monitoring


def workflow(*, level: str = "ERROR", threshold: float = 0.05, env: str = "dev") -> Json:
    definition = {"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}}
    metric = {"Namespace": "AWS/SageMaker", "MetricName": "Invocation5XXErrors"}
    return template(
        Key=resource("KMS::Key", KeyPolicy=KEY),
        Role=resource("IAM::Role", AssumeRolePolicyDocument=TRUST),
        Group=resource("Logs::LogGroup", KmsKeyId=arn("Key"), RetentionInDays=30, Tags=tags(env=env)),
        Machine=resource(
            "StepFunctions::StateMachine",
            RoleArn=arn("Role"),
            DefinitionString=json.dumps(definition),
            LoggingConfiguration={
                "Level": level,
                "IncludeExecutionData": False,
                "Destinations": [{"CloudWatchLogsLogGroup": {"LogGroupArn": arn("Group")}}],
            },
            TracingConfiguration={"Enabled": True},
            Tags=tags(env=env),
        ),
        Topic=resource("SNS::Topic"),
        Alarm=resource(
            "CloudWatch::Alarm",
            ComparisonOperator="GreaterThanThreshold",
            EvaluationPeriods=3,
            Threshold=threshold,
            TreatMissingData="notBreaching",
            AlarmActions=[{"Ref": "Topic"}],
            Metrics=[
                {"Id": "rate", "Expression": "errors / 2", "ReturnData": True},
                {
                    "Id": "errors",
                    "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"},
                    "ReturnData": False,
                },
            ],
            Tags=tags(env=env),
        ),
        Dashboard=resource(
            "CloudWatch::Dashboard",
            DashboardBody={"Fn::Sub": f'{{"widgets": [], "env": "{env}", "region": "${{AWS::Region}}"}}'},
        ),
        Packages=resource("SageMaker::ModelPackageGroup", ModelPackageGroupName="kept", Tags=tags(env=env)),
    )


def test_workflow_is_made_as_the_template_says_changed_and_removed(aws: LocalAws, name: str) -> None:
    states, cloudwatch = aws.client("stepfunctions"), aws.client("cloudwatch")
    logs, sagemaker = aws.client("logs"), aws.client("sagemaker")
    made = deploy(aws, name, workflow(), Tags=tags(Project="nunchi"))
    machine = states.describe_state_machine(stateMachineArn=made["Machine"])
    [group] = logs.describe_log_groups(logGroupNamePrefix=made["Group"])["logGroups"]
    assert (group["retentionInDays"], group["kmsKeyId"].rpartition("/")[2]) == (30, made["Key"])
    assert machine["loggingConfiguration"] == {
        "level": "ERROR",
        "includeExecutionData": False,
        "destinations": [{"cloudWatchLogsLogGroup": {"logGroupArn": group["arn"]}}],
    }
    assert machine["tracingConfiguration"] == {"enabled": True}
    [alarm] = cloudwatch.describe_alarms(AlarmNames=[made["Alarm"]])["MetricAlarms"]
    assert [metric["Id"] for metric in alarm["Metrics"]] == ["rate", "errors"]
    assert (alarm["Threshold"], alarm["TreatMissingData"], alarm["AlarmActions"]) == (
        0.05,
        "notBreaching",
        [made["Topic"]],
    )
    cloudwatch.set_alarm_state(AlarmName=made["Alarm"], StateValue="ALARM", StateReason="test")
    tagged = sagemaker.list_tags(ResourceArn=made["Packages"])["Tags"]
    assert own(tagged) == {"env": "dev", "Project": "nunchi"}

    changed = workflow(level="ALL", threshold=0.1, env="prod")
    assert deploy(aws, name, changed, Tags=tags(Project="nunchi")) == made
    machine = states.describe_state_machine(stateMachineArn=made["Machine"])
    assert machine["loggingConfiguration"]["level"] == "ALL"
    [alarm] = cloudwatch.describe_alarms(AlarmNames=[made["Alarm"]])["MetricAlarms"]
    assert (alarm["Threshold"], alarm["StateValue"]) == (0.1, "ALARM")
    body = json.loads(cloudwatch.get_dashboard(DashboardName=made["Dashboard"])["DashboardBody"])
    assert (body["env"], body["region"]) == ("prod", REGION)
    tagged = sagemaker.list_tags(ResourceArn=made["Packages"])["Tags"]
    assert own(tagged) == {"env": "prod", "Project": "nunchi"}

    remove(aws, name)
    machines = states.list_state_machines()["stateMachines"]
    assert made["Machine"] not in [one["stateMachineArn"] for one in machines]
    assert not cloudwatch.describe_alarms(AlarmNames=[made["Alarm"]])["MetricAlarms"]
    assert not logs.describe_log_groups(logGroupNamePrefix=made["Group"])["logGroups"]
    dashboards = cloudwatch.list_dashboards()["DashboardEntries"]
    assert made["Dashboard"] not in [one["DashboardName"] for one in dashboards]


def budget(*, amount: int = 300, threshold: int = 80, env: str = "dev") -> Json:
    notification = {
        "Notification": {
            "ComparisonOperator": "GREATER_THAN",
            "NotificationType": "ACTUAL",
            "Threshold": threshold,
            "ThresholdType": "PERCENTAGE",
        },
        "Subscribers": [{"SubscriptionType": "EMAIL", "Address": "team@example.com"}],
    }
    limit = {"Amount": amount, "Unit": "USD"}
    filters = {"TagKeyValue": ["user:Project$nunchi"]}
    return template(
        Budget=resource(
            "Budgets::Budget",
            Budget={
                "BudgetType": "COST",
                "TimeUnit": "MONTHLY",
                "BudgetLimit": limit,
                "CostFilters": filters,
            },
            NotificationsWithSubscribers=[notification],
            ResourceTags=tags(env=env),
        )
    )


def test_budget_is_made_changed_replaced_and_removed(aws: LocalAws, name: str) -> None:
    client = aws.client("budgets")

    def limits() -> dict[str, str]:
        found = client.describe_budgets(AccountId=ACCOUNT).get("Budgets", [])
        return {item["BudgetName"]: item["BudgetLimit"]["Amount"] for item in found}

    def resource_tags(found: str) -> dict[str, str]:
        resource_arn = f"arn:aws:budgets::{ACCOUNT}:budget/{found}"
        return own(client.list_tags_for_resource(ResourceARN=resource_arn)["ResourceTags"])

    made = deploy(aws, name, budget())["Budget"]
    assert (limits(), resource_tags(made)) == ({made: "300"}, {"env": "dev"})
    [notified] = client.describe_notifications_for_budget(AccountId=ACCOUNT, BudgetName=made)["Notifications"]
    assert notified["Threshold"] == 80
    assert deploy(aws, name, budget(amount=400, env="prod"))["Budget"] == made
    assert (limits(), resource_tags(made)) == ({made: "400"}, {"env": "prod"})
    replaced = deploy(aws, name, budget(amount=400, env="prod", threshold=90))["Budget"]
    assert replaced != made
    assert limits() == {replaced: "400"}
    remove(aws, name)
    assert not limits()


# The stack itself


def test_protected_stack_is_not_deleted(aws: LocalAws, name: str) -> None:
    client = aws.client("cloudformation")
    deploy(aws, name, template(Topic=resource("SNS::Topic")), EnableTerminationProtection=True)
    with pytest.raises(ClientError, match="TerminationProtection is enabled"):
        client.delete_stack(StackName=name)
    client.update_termination_protection(StackName=name, EnableTerminationProtection=False)
    remove(aws, name)


def test_rules_are_asserted_and_parameters_come_from_ssm(aws: LocalAws, name: str) -> None:
    aws.client("ssm").put_parameter(Name=f"/{name}", Value="눈치", Type="String")
    regions = [REGION, "us-east-1"]
    rule = {"Assert": {"Fn::Contains": [regions, {"Ref": "AWS::Region"}]}, "AssertDescription": "elsewhere"}
    body = template(Topic=resource("SNS::Topic", DisplayName={"Ref": "Name"})) | {
        "Parameters": {"Name": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": f"/{name}"}},
        "Rules": {"Region": {"Assertions": [rule]}},
    }
    made = deploy(aws, name, body)
    attributes = aws.client("sns").get_topic_attributes(TopicArn=made["Topic"])["Attributes"]
    assert attributes["DisplayName"] == "눈치"
    refused = copy.deepcopy(body)
    refused["Rules"]["Region"]["Assertions"][0]["Assert"]["Fn::Contains"][0] = ["us-east-1"]
    with pytest.raises(ClientError, match="elsewhere"):
        deploy(aws, f"{name}-2", refused)
