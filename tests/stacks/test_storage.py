from __future__ import annotations

from aws_cdk.assertions import Match, Template


def test_every_bucket_is_private_versioned_encrypted_and_kept(templates: dict[str, Template]) -> None:
    buckets = templates["storage"].find_resources("AWS::S3::Bucket")
    assert len(buckets) == 3
    for bucket in buckets.values():
        properties = bucket["Properties"]
        assert set(properties["PublicAccessBlockConfiguration"].values()) == {True}
        assert properties["VersioningConfiguration"] == {"Status": "Enabled"}
        assert "BucketEncryption" in properties
        assert bucket["DeletionPolicy"] == bucket["UpdateReplacePolicy"] == "Retain"


def test_every_bucket_refuses_requests_without_tls(templates: dict[str, Template]) -> None:
    templates["storage"].resource_properties_count_is(
        "AWS::S3::BucketPolicy",
        {
            "PolicyDocument": {
                "Statement": Match.array_with(
                    [
                        Match.object_like(
                            {"Effect": "Deny", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
                        )
                    ]
                )
            }
        },
        3,
    )


def test_no_bucket_has_a_physical_name(templates: dict[str, Template]) -> None:
    """A bucket that outlived its stack would block the next deployment by its name."""
    for bucket in templates["storage"].find_resources("AWS::S3::Bucket").values():
        assert "BucketName" not in bucket["Properties"]
