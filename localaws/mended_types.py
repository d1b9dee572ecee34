"""Resource types of CloudFormation of which ministack drops or refuses properties, put right."""

from collections.abc import Callable
from typing import Any

from ministack.services import sns, stepfunctions
from ministack.services.cloudformation import provisioners

from localaws import aws
from localaws.api import Json
from localaws.cloudformation import mend, unless_gone

# What CloudFormation calls members that S3's API calls otherwise.
LOGGING = {"DestinationBucketName": "TargetBucket", "LogFilePrefix": "TargetPrefix"}
ENCRYPTION = {"ServerSideEncryptionByDefault": "ApplyServerSideEncryptionByDefault"}
EXPIRATION = {"ExpirationInDays": "Days", "ExpiredObjectDeleteMarker": "ExpiredObjectDeleteMarker"}

_their_alarm: Callable[[str, Json], Json] = provisioners._cw_metric_alarm_record


def install() -> None:
    """Put them right."""
    mend(
        "AWS::S3::Bucket",
        """BucketName VersioningConfiguration NotificationConfiguration CorsConfiguration WebsiteConfiguration
        PublicAccessBlockConfiguration BucketEncryption LifecycleConfiguration LoggingConfiguration
        OwnershipControls AccessControl=Private Tags""",
        _configure_bucket,
    )
    provisioners._RESOURCE_HANDLERS["AWS::S3::Bucket"]["delete"] = _delete_bucket
    provisioners._STACK_TAG_PROPERTY["AWS::S3::Bucket"] = ("Tags", "list")
    mend(
        "AWS::EC2::VPC",
        "CidrBlock EnableDnsHostnames EnableDnsSupport InstanceTenancy Tags",
        lambda name, old, new: {"CidrBlock": new["CidrBlock"]},  # an attribute that ministack lacks
    )
    mend("AWS::SNS::Topic", "TopicName DisplayName Subscription Tags KmsMasterKeyId", _encrypt_topic)
    mend(
        "AWS::StepFunctions::StateMachine",
        """StateMachineName StateMachineType RoleArn Definition DefinitionString DefinitionS3Location
        DefinitionSubstitutions EncryptionConfiguration LoggingConfiguration TracingConfiguration Tags""",
        _configure_machine,
    )
    provisioners._cw_metric_alarm_record = _alarm


def _configure_bucket(name: str, old: Json, new: Json) -> None:
    """ministack drops these five properties; S3's API has them, mostly under other names."""
    s3 = aws.client("s3")

    def configure(key: str, what: str, translate: Callable[[Any], Json]) -> None:
        if key in new and new[key] != old.get(key):
            getattr(s3, f"put_bucket_{what}")(Bucket=name, **translate(new[key]))
        elif key in old and key not in new:
            getattr(s3, f"delete_bucket_{what.removesuffix('_configuration')}")(Bucket=name)

    configure("BucketEncryption", "encryption", _encryption)
    configure("LifecycleConfiguration", "lifecycle_configuration", _lifecycle)
    configure("OwnershipControls", "ownership_controls", lambda controls: {"OwnershipControls": controls})
    configure("Tags", "tagging", lambda tags: {"Tagging": {"TagSet": tags}})
    if (logging := new.get("LoggingConfiguration")) != old.get("LoggingConfiguration"):
        status = {} if logging is None else {"LoggingEnabled": _renamed(logging, LOGGING)}
        s3.put_bucket_logging(Bucket=name, BucketLoggingStatus=status)


def _renamed(given: Json, names: dict[str, str]) -> Json:
    return {names.get(key, key): value for key, value in given.items()}


def _encryption(given: Json) -> Json:
    rules = [_renamed(rule, ENCRYPTION) for rule in given["ServerSideEncryptionConfiguration"]]
    return {"ServerSideEncryptionConfiguration": {"Rules": rules}}


def _lifecycle(given: Json) -> Json:
    rules = []
    for rule in given["Rules"]:
        translated = {key: value for key, value in rule.items() if key not in EXPIRATION}
        translated |= {"ID": translated.pop("Id", ""), "Filter": {"Prefix": translated.pop("Prefix", "")}}
        if expiration := {name: rule[key] for key, name in EXPIRATION.items() if key in rule}:
            translated["Expiration"] = expiration
        for key, days in (("Transitions", "Days"), ("NoncurrentVersionTransitions", "NoncurrentDays")):
            if key in rule:
                translated[key] = [_renamed(one, {"TransitionInDays": days}) for one in rule[key]]
        rules.append(translated)
    return {"LifecycleConfiguration": {"Rules": rules}}


def _delete_bucket(physical_id: str, properties: Json) -> None:
    """ministack deletes a bucket with all that is in it; S3 refuses, and so does CloudFormation."""
    with unless_gone("NoSuchBucket"):
        aws.client("s3").delete_bucket(Bucket=physical_id)


def _encrypt_topic(arn: str, old: Json, new: Json) -> None:
    """ministack drops the key."""
    attributes = sns._topics[arn]["attributes"]
    attributes.pop("KmsMasterKeyId", None)
    if "KmsMasterKeyId" in new:
        attributes["KmsMasterKeyId"] = new["KmsMasterKeyId"]


def _configure_machine(arn: str, old: Json, new: Json) -> None:
    """ministack keeps the logging as the template spells it, which no client can read, and drops tracing."""
    machine = stepfunctions._state_machines[arn]
    if "LoggingConfiguration" in new:
        machine["loggingConfiguration"] = provisioners._pascal_to_camel(new["LoggingConfiguration"])
    machine["tracingConfiguration"] = provisioners._pascal_to_camel(
        new.get("TracingConfiguration", {"Enabled": False})
    )


def _alarm(name: str, properties: Json) -> Json:
    """ministack refuses metric math. Here such an alarm is kept, in the state that SetAlarmState gives it."""
    if "Metrics" not in properties:
        return _their_alarm(name, properties)
    one = {key: value for key, value in properties.items() if key != "Metrics"}
    record = _their_alarm(name, one | {"MetricName": "-", "Namespace": "-"})
    for key in ("MetricName", "Namespace", "Statistic", "ExtendedStatistic", "Period", "Dimensions", "Unit"):
        del record[key]
    return record | {"Metrics": properties["Metrics"]}
