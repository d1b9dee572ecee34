"""CloudFormation's pseudo parameters, read once: each reading of `aws_cdk.Aws` asks the CDK's process."""

from aws_cdk import Aws

ACCOUNT_ID = Aws.ACCOUNT_ID
PARTITION = Aws.PARTITION
REGION = Aws.REGION
STACK_ID = Aws.STACK_ID
