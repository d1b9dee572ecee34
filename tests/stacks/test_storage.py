from __future__ import annotations

import json
from pathlib import Path

import pytest

from stacks import prefixes
from tests.stacks.resolved import ACCOUNT, Environment, Json

every_environment = pytest.mark.parametrize("name", ["dev", "staging", "prod"])


@pytest.fixture
def environment(environments: dict[str, Environment], name: str) -> Environment:
    return environments[name]


def buckets(environment: Environment) -> dict[str, Json]:
    return {name: properties for _, name, properties in environment.of_type("AWS::S3::Bucket")}


def rules(bucket: Json) -> list[Json]:
    found: list[Json] = bucket["LifecycleConfiguration"]["Rules"]
    return found


@every_environment
def test_there_is_a_bucket_for_data_one_for_artifacts_and_one_for_access_logs(
    environment: Environment,
) -> None:
    assert list(buckets(environment)) == ["AccessLogs", "Data", "Artifacts"]


@every_environment
def test_every_bucket_is_private(environment: Environment) -> None:
    for name, bucket in buckets(environment).items():
        assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}, name
        assert len(bucket["PublicAccessBlockConfiguration"]) == 4, name


@every_environment
def test_no_bucket_has_access_lists(environment: Environment) -> None:
    """A list on an object would say something else than the policies that people review."""
    for name, bucket in buckets(environment).items():
        assert bucket["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}], name


@every_environment
def test_every_bucket_is_versioned(environment: Environment) -> None:
    """An upload over the reviews, or over a model, could not be taken back."""
    for name, bucket in buckets(environment).items():
        assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}, name


@every_environment
def test_data_and_artifacts_are_encrypted_with_the_environments_key(environment: Environment) -> None:
    for name in ("Data", "Artifacts"):
        (rule,) = buckets(environment)[name]["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        assert rule["ServerSideEncryptionByDefault"] == {
            "SSEAlgorithm": "aws:kms",
            "KMSMasterKeyID": environment.key_arn,
        }
        # One call of the key a bucket, in place of one an object.
        assert rule["BucketKeyEnabled"] is True


@every_environment
def test_access_logs_are_encrypted_with_s3s_own_key(environment: Environment) -> None:
    """S3 delivers no access logs to a bucket that another key encrypts, and says nothing."""
    (rule,) = buckets(environment)["AccessLogs"]["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}


@every_environment
def test_every_access_to_data_and_artifacts_is_logged_under_a_prefix_of_its_own(
    environment: Environment,
) -> None:
    logs = environment.physical_name("storage", "AccessLogs")
    assert [buckets(environment)[name]["LoggingConfiguration"] for name in ("Data", "Artifacts")] == [
        {"DestinationBucketName": logs, "LogFilePrefix": "data/"},
        {"DestinationBucketName": logs, "LogFilePrefix": "artifacts/"},
    ]


@every_environment
def test_s3_may_deliver_access_logs_for_this_account_only(environment: Environment) -> None:
    """Without it the logs are lost silently; without the account, anybody's would come."""
    logs = environment.physical_name("storage", "AccessLogs")
    (delivery,) = (
        statement
        for _, _, policy in environment.of_type("AWS::S3::BucketPolicy")
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Allow"
    )
    assert delivery["Principal"] == {"Service": "logging.s3.amazonaws.com"}
    assert (delivery["Action"], delivery["Resource"]) == ("s3:PutObject", f"arn:aws:s3:::{logs}/*")
    assert delivery["Condition"] == {"StringEquals": {"aws:SourceAccount": ACCOUNT}}


@every_environment
def test_every_bucket_refuses_requests_without_tls(environment: Environment) -> None:
    refused = {}
    for _, _, policy in environment.of_type("AWS::S3::BucketPolicy"):
        for statement in policy["PolicyDocument"]["Statement"]:
            if statement["Effect"] == "Deny":
                assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
                refused[policy["Bucket"]] = (statement["Principal"], statement["Action"])
                arn = f"arn:aws:s3:::{policy['Bucket']}"
                assert statement["Resource"] == [arn, f"{arn}/*"]
    names = {environment.physical_name("storage", name) for name in buckets(environment)}
    assert refused == dict.fromkeys(names, ({"AWS": "*"}, "s3:*"))


@every_environment
def test_buckets_their_policies_and_the_key_outlive_the_stack(environment: Environment) -> None:
    """A stack that is destroyed by mistake must not take the models, or the key that reads them, along."""
    template = environment.templates["storage"]
    kept = [
        resource
        for kind in ("AWS::S3::Bucket", "AWS::S3::BucketPolicy", "AWS::KMS::Key")
        for resource in template.of_type(kind).values()
    ]
    assert len(kept) == 7
    assert {resource["DeletionPolicy"] for resource in kept} == {"Retain"}
    assert {resource["UpdateReplacePolicy"] for resource in kept} == {"Retain"}


@every_environment
def test_no_bucket_has_a_physical_name(environment: Environment) -> None:
    """A bucket that outlived its stack would block the next deployment by its name."""
    assert [name for name, bucket in buckets(environment).items() if "BucketName" in bucket] == []


NEVER_EXPIRE = (
    prefixes.MODELS,
    prefixes.EVALUATIONS,
    prefixes.MANIFESTS,
    prefixes.BASE_MODELS,
    prefixes.PACKAGES,
)


@every_environment
@pytest.mark.parametrize("prefix", NEVER_EXPIRE)
def test_no_lifecycle_rule_deletes_what_cannot_be_made_again(environment: Environment, prefix: str) -> None:
    """The champion's archive is as old as the champion: it was served until the day it expired."""
    key = f"{prefix}/0f5b7c1e/model.tar.gz"
    deleting = [
        rule["Id"]
        for rule in rules(buckets(environment)["Artifacts"])
        if any(name.startswith("Expiration") for name in rule) and key.startswith(rule.get("Prefix", ""))
    ]
    assert deleting == []


@every_environment
def test_no_lifecycle_rule_deletes_reviews(environment: Environment) -> None:
    for rule in rules(buckets(environment)["Data"]):
        assert not [name for name in rule if name.startswith("Expiration")], rule["Id"]


@every_environment
def test_what_can_be_made_again_expires(environment: Environment) -> None:
    """Checkpoints of gigabytes that nobody will read are the largest part of the bill."""
    expiring = {
        rule["Prefix"]: rule["ExpirationInDays"]
        for rule in rules(buckets(environment)["Artifacts"])
        if "ExpirationInDays" in rule
    }
    days = environment.settings.storage.artifact_days
    assert expiring == {
        "datasets/": days,
        "checkpoints/": days,
        "captures/": days,
        "predictions/": days,
        "batches/": days,
    }


def test_the_data_bucket_tells_of_files_where_their_arrival_starts_something(
    environments: dict[str, Environment],
) -> None:
    telling = {
        name: buckets(environment)["Data"].get("NotificationConfiguration")
        for name, environment in environments.items()
    }
    events = {"EventBridgeConfiguration": {"EventBridgeEnabled": True}}
    assert telling == {"dev": None, "staging": events, "prod": None}


@every_environment
def test_every_prefix_of_the_artifact_bucket_has_been_thought_of(environment: Environment) -> None:
    """A new one would be kept for ever, or expire, by chance."""
    known = {value for name, value in vars(prefixes).items() if name.isupper() and isinstance(value, str)}
    expiring = {
        rule["Prefix"].rstrip("/")
        for rule in rules(buckets(environment)["Artifacts"])
        if "ExpirationInDays" in rule
    }
    # The last is the data bucket's.
    assert known == {*NEVER_EXPIRE, *expiring, prefixes.INCOMING}


@every_environment
def test_versions_that_were_replaced_go_after_a_while(environment: Environment) -> None:
    for name, bucket in buckets(environment).items():
        (clean_up,) = (rule for rule in rules(bucket) if "NoncurrentVersionExpiration" in rule)
        assert clean_up["NoncurrentVersionExpiration"] == {
            "NoncurrentDays": environment.settings.storage.noncurrent_days
        }, name
        assert clean_up["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 7}, name
        assert "Prefix" not in clean_up, name


def test_prods_stacks_refuse_to_be_deleted_and_no_others(assembly: Path) -> None:
    """One wrong word after `cdk destroy` would end what people rely on."""
    artifacts = json.loads((assembly / "manifest.json").read_text(encoding="utf-8"))["artifacts"]
    protected = {
        name: artifact["properties"]["terminationProtection"]
        for name, artifact in artifacts.items()
        if artifact["type"] == "aws:cloudformation:stack"
    }
    assert protected == {name: name.startswith("nunchi-prod-") for name in protected}
    assert len(protected) == 13
