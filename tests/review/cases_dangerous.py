"""Changes that a reviewer must not miss."""

from __future__ import annotations

from tests.review.corpus import Case

_STORAGE, _ROLES = "stacks/storage.py", "stacks/roles.py"
_DEV, _STAGING, _PROD = "config/dev.yaml", "config/staging.yaml", "config/prod.yaml"
_SERVE = "permissions nunchi-<env>-training/JobRoles/ServePolicy"
_ROLE_NAMES = ("Prepare", "Train", "Optimise", "Evaluate", "Serve")
_MACHINES = ("Notify", "Promote", "Retrain", "TrainMachine")
_EVENT_ROLES = ("Approval/EventRole", "Notify/EventRole")
_STARTING_ROLES = ("Arrival/EventRole", "Schedule/Role")

DANGEROUS = (
    # Data
    Case(
        "the construct of the data bucket is renamed",
        ((_STORAGE, 'self._bucket("Data", logs, []', 'self._bucket("Reviews", logs, []'),),
        dangers=("data nunchi-<env>-storage/Data", "downtime nunchi-<env>-storage/Stack"),
    ),
    Case(
        "the buckets get names",
        (
            (
                _STORAGE,
                "            **more,\n",
                '            bucket_name=f"nunchi-{name.lower()}",\n            **more,\n',
            ),
        ),
        dangers=tuple(f"data nunchi-<env>-storage/{name}" for name in ("Data", "Artifacts", "AccessLogs"))
        + tuple(f"downtime nunchi-<env>-storage/{name}" for name in ("Data", "Artifacts")),
    ),
    Case(
        "the champion parameter is tagged with everything else",
        (
            (
                "stacks/environment_stack.py",
                '_UNTAGGED = ["AWS::SSM::Parameter"]',
                "_UNTAGGED: list[str] = []",
            ),
        ),
        dangers=("data nunchi-<env>-training/Champion/Parameter",),
    ),
    Case(
        "the champion parameter gets a description",
        (("stacks/champion.py", 'value="none")', 'value="none", description="Who serves")'),),
        dangers=("data nunchi-<env>-training/Champion/Parameter",),
    ),
    Case(
        "the champion parameter is named anew",
        (
            (
                "stacks/settings.py",
                'f"/nunchi/{self.environment}/champion"',
                'f"/nunchi/{self.environment}/serves"',
            ),
        ),
        dangers=(
            "data nunchi-<env>-training/Champion/Parameter",
            "data nunchi-<env>-serving/Stack",
            "permissions nunchi-<env>-training/Promote/Workflow/RolePolicy",
            "permissions nunchi-<env>-training/Retrain/Workflow/RolePolicy",
        ),
    ),
    Case(
        "artifacts of prod expire after a month",
        ((_PROD, "  noncurrent_days: 90", "  noncurrent_days: 90\n  artifact_days: 30"),),
        dangers=("data nunchi-prod-storage/Artifacts",),
    ),
    Case(
        "models expire",
        (("stacks/prefixes.py", "MADE_AGAIN = (DATASETS,", "MADE_AGAIN = (MODELS, DATASETS,"),),
        dangers=("data nunchi-<env>-storage/Artifacts",),
    ),
    Case(
        "models move to the archive",
        ((_STORAGE, '"storageClass": "STANDARD_IA"', '"storageClass": "GLACIER"'),),
        dangers=("data nunchi-<env>-storage/Artifacts",),
    ),
    Case(
        "the registry is named anew",
        (("stacks/champion.py", "settings.name(suffix)", 'settings.name(f"models-{suffix}")'),),
        dangers=(
            "data nunchi-<env>-training/Champion/ModelPackageGroup",
            "alarms nunchi-<env>-training/Approval/Rule",
            "permissions nunchi-<env>-training/Promote/Workflow/RolePolicy",
            "permissions nunchi-<env>-training/Retrain/Workflow/RolePolicy",
        ),
    ),
    Case(
        "staging leaves the application",
        removed=(_STAGING,),
        dangers=tuple(
            f"data nunchi-staging-{part}/Stack" for part in ("storage", "training", "serving", "monitoring")
        ),
    ),
    Case(
        "prod moves to another region",
        ((_PROD, "region: ap-northeast-2", "region: us-east-1"),),
        dangers=(
            *(
                f"data nunchi-prod-{part}/Stack"
                for part in ("storage", "network", "training", "serving", "monitoring")
            ),
            *(f"permissions nunchi-prod-training/JobRoles/{name}Policy" for name in _ROLE_NAMES),
            "permissions nunchi-prod-training/Retrain/Workflow/RolePolicy",
        ),
    ),
    # Downtime
    Case(
        "the endpoint's construct is renamed",
        (
            (
                "stacks/endpoint.py",
                '            "Endpoint",\n            endpoint_name',
                '            "Live",\n            endpoint_name',
            ),
        ),
        dangers=(
            "downtime nunchi-<env>-serving/Realtime/Endpoint/Endpoint",
            "downtime nunchi-<env>-serving/Realtime/Endpoint/Live",
            "downtime nunchi-dev-serving/Serverless/Endpoint/Endpoint",
            "downtime nunchi-dev-serving/Serverless/Endpoint/Live",
        ),
    ),
    Case(
        "dev has no serverless endpoint any more",
        ((_DEV, "serving:\n  serverless: {}\n", ""),),
        dangers=(
            "downtime nunchi-dev-serving/Serverless/Endpoint/Endpoint",
            "data nunchi-dev-serving/Serverless/Endpoint/Logs",
            "alarms nunchi-dev-monitoring/ServerlessClientErrors",
            "alarms nunchi-dev-monitoring/ServerlessErrors",
            # A promotion does not ask it any more.
            "protection nunchi-dev-training/Promote/Workflow/StateMachine",
        ),
    ),
    Case(
        "an export is renamed that a stack imports",
        (("stacks/training.py", 'self.export("ServeRoleArn"', 'self.export("EndpointRoleArn"'),),
        dangers=("downtime nunchi-<env>-training/Stack",),
    ),
    Case(
        "the endpoint is there while there is no champion",
        (("stacks/served_model.py", "expression=Fn.condition_not(is_none)", "expression=is_none"),),
        dangers=("downtime nunchi-<env>-serving/Stack",),
    ),
    Case(
        "the network gets another block",
        ((_PROD, "network: {}", "network:\n  cidr: 10.30.0.0/16"),),
        dangers=(
            "downtime nunchi-prod-network/Vpc",
            "downtime nunchi-prod-network/Subnet1",
            "downtime nunchi-prod-network/Subnet2",
            "downtime nunchi-prod-network/Routes",
            "downtime nunchi-prod-network/Containers",
            "downtime nunchi-prod-network/Services",
            "exposure nunchi-prod-network/Services",
            *(
                f"downtime nunchi-prod-network/{name}"
                for name in (
                    "EcrApi",
                    "EcrDkr",
                    "Kms",
                    "Logs",
                    "Monitoring",
                    "SagemakerApi",
                    "SagemakerRuntime",
                )
            ),
            "downtime nunchi-prod-network/Sts",
            "downtime nunchi-prod-network/S3",
        ),
    ),
    Case(
        "the endpoint forgets how far it scaled",
        (
            (
                "stacks/endpoint.py",
                "            retain_all_variant_properties=True if keep_scale else None,\n",
                "",
            ),
        ),
        dangers=(
            "downtime nunchi-prod-serving/Realtime/Endpoint/Endpoint",
            "downtime nunchi-staging-serving/Realtime/Endpoint/Endpoint",
        ),
    ),
    Case(
        "the VPC does not reach the registry of images",
        (("stacks/network.py", '_SERVICES = ("ecr.api", "ecr.dkr", ', "_SERVICES = ("),),
        dangers=("downtime nunchi-prod-network/EcrApi", "downtime nunchi-prod-network/EcrDkr"),
    ),
    Case(
        "the batches' workflow goes from prod",
        ((_PROD, "  batch:\n    schedule:\n      expression: cron(0 5 * * ? *)\n", "  batch: null\n"),),
        dangers=(
            "downtime nunchi-prod-serving/Transform/Workflow/StateMachine",
            "data nunchi-prod-serving/Transform/Workflow/Logs",
            "data nunchi-prod-serving/Transform/ScoredFiles/Table",
            "data nunchi-prod-serving/DeadLetters/Queue",
            "alarms nunchi-prod-monitoring/TransformFailed",
            "alarms nunchi-prod-monitoring/ServingNotStarted",
            "schedule nunchi-prod-serving/Schedule/Transform",
        ),
    ),
    # Permissions
    Case(
        "the endpoint may read the whole artifact bucket",
        (
            (
                _ROLES,
                '"Serve", [self._read(prefixes.MODELS)',
                '"Serve", [Permission(["s3:GetObject"], [storage.artifacts_arn("*")], because="?")',
            ),
        ),
        dangers=(_SERVE,),
    ),
    Case(
        "the endpoint may delete models",
        (
            (
                _ROLES,
                '"Serve", [self._read(prefixes.MODELS)',
                '"Serve", [Permission(["s3:DeleteObject"], [storage.artifacts_arn("models/*")], because="?"),'
                " self._read(prefixes.MODELS)",
            ),
        ),
        dangers=(_SERVE,),
    ),
    Case(
        "anybody's services may assume the roles",
        (
            (
                "stacks/permissions.py",
                '                    "Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT_ID}},\n',
                "",
            ),
        ),
        dangers=(
            *(f"permissions nunchi-<env>-training/JobRoles/{name}" for name in _ROLE_NAMES),
            *(f"permissions nunchi-<env>-training/{name}/Workflow/Role" for name in _MACHINES),
            *(f"permissions nunchi-<env>-training/{name}" for name in _EVENT_ROLES),
            "permissions nunchi-<env>-serving/Transform/Workflow/Role",
            "permissions nunchi-<env>-training/Schedule/Role",
            *(f"permissions nunchi-<env>-serving/{name}" for name in _STARTING_ROLES),
            "permissions nunchi-prod-network/FlowLogsRole",
        ),
    ),
    Case(
        "roles may be passed to every service",
        (("stacks/permissions.py", "[role_arn], conditions=passed)", "[role_arn])"),),
        dangers=tuple(
            f"permissions nunchi-<env>-training/{name}/Workflow/RolePolicy"
            for name in ("Retrain", "TrainMachine")
        ),
    ),
    Case(
        "the roles get a policy of AWS's",
        (
            (
                "stacks/permissions.py",
                "managed_policy_arns=[policy.ref]",
                'managed_policy_arns=[policy.ref, "arn:aws:iam::aws:policy/AmazonS3FullAccess"]',
            ),
        ),
        dangers=(
            *(f"permissions nunchi-<env>-training/JobRoles/{name}" for name in _ROLE_NAMES),
            *(f"permissions nunchi-<env>-training/{name}/Workflow/Role" for name in _MACHINES),
            *(f"permissions nunchi-<env>-training/{name}" for name in _EVENT_ROLES),
            "permissions nunchi-<env>-serving/Transform/Workflow/Role",
            "permissions nunchi-<env>-training/Schedule/Role",
            *(f"permissions nunchi-<env>-serving/{name}" for name in _STARTING_ROLES),
            "permissions nunchi-prod-network/FlowLogsRole",
        ),
    ),
    Case(
        "staging gets a serverless endpoint",
        ((_STAGING, "  data_capture_percent: 10\n", "  serverless: {}\n"),),
        dangers=(
            "permissions nunchi-staging-training/JobRoles/ServePolicy",
            "permissions nunchi-staging-training/Promote/Workflow/RolePolicy",
            "exposure nunchi-staging-serving/ServedModel/Model",
            "protection nunchi-staging-serving/Realtime/Endpoint/Config",
        ),
    ),
    Case(
        "prepare runs as the training does",
        (
            (
                "stacks/retrain.py",
                "jobs.prepare(roles.prepare.attr_arn)",
                "jobs.prepare(roles.train.attr_arn)",
            ),
        ),
        dangers=("permissions nunchi-<env>-training/Retrain/Workflow/StateMachine",),
    ),
    Case(
        "a new environment",
        (("config/test.yaml", "", "environment: test\nowner: nlp-team\ncost_centre: nlp-test\n"),),
        dangers=(
            *(
                f"permissions nunchi-test-training/JobRoles/{name}{what}"
                for name in _ROLE_NAMES
                for what in ("", "Policy")
            ),
            *(
                f"permissions nunchi-test-training/{name}/Workflow/Role{what}"
                for name in _MACHINES
                for what in ("", "Policy")
            ),
            *(
                f"permissions nunchi-test-training/{name}{what}"
                for name in _EVENT_ROLES
                for what in ("", "Policy")
            ),
            "permissions nunchi-test-serving/Transform/Workflow/Role",
            "permissions nunchi-test-serving/Transform/Workflow/RolePolicy",
        ),
    ),
    Case(
        "grants of the key are for more than AWS's services",
        (
            (
                _ROLES,
                '                conditions={"Bool": {"kms:GrantIsForAWSResource": "true"}},\n',
                "",
            ),
        ),
        dangers=tuple(f"permissions nunchi-<env>-training/JobRoles/{name}Policy" for name in _ROLE_NAMES),
    ),
    Case(
        "one more zone, with a subnet for the roles",
        ((_PROD, "network: {}", "network:\n  availability_zones: 3"),),
        dangers=tuple(f"permissions nunchi-prod-training/JobRoles/{name}Policy" for name in _ROLE_NAMES),
    ),
    # Exposure
    Case(
        "the access logs are read by everybody",
        (
            (
                _STORAGE,
                '"Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT_ID}},\n            },',
                '}, {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject",'
                ' "Resource": f"{bucket.attr_arn}/*"},',
            ),
        ),
        dangers=("exposure nunchi-<env>-storage/AccessLogsPolicy",),
    ),
    Case(
        "another account publishes to the topic",
        (
            (
                "stacks/notifications.py",
                '            "Principal": {"Service": f"{service}.amazonaws.com"},',
                '            "Principal": {"AWS": "arn:aws:iam::210987654321:root"},',
            ),
        ),
        dangers=(
            "exposure nunchi-<env>-training/Notifications/Policy",
            "alarms nunchi-<env>-training/Notifications/Policy",
        ),
    ),
    Case(
        "the containers' security group has no rule for what goes out",
        (
            (
                "stacks/network.py",
                'security_group_egress=[{**https, "cidrIp": "0.0.0.0/0", "description": "AWS services"}],',
                "",
            ),
        ),
        dangers=("exposure nunchi-prod-network/Containers",),
    ),
    Case(
        "the services' security group lets in everybody",
        (("stacks/network.py", '"cidrIp": network.cidr', '"cidrIp": "0.0.0.0/0"'),),
        dangers=("exposure nunchi-prod-network/Services",),
    ),
    Case(
        "the network gets a way to the internet",
        (
            (
                "stacks/network.py",
                "        routes = ec2.CfnRouteTable",
                '        ec2.CfnInternetGateway(self, "Internet")\n        routes = ec2.CfnRouteTable',
            ),
        ),
        dangers=("exposure nunchi-prod-network/Internet",),
    ),
    Case(
        "the VPC's endpoints let through other accounts' credentials",
        (
            (
                "stacks/network.py",
                '                "Condition": {"StringEquals": {"aws:PrincipalAccount": ACCOUNT_ID}},\n',
                "",
            ),
        ),
        dangers=tuple(
            f"exposure nunchi-prod-network/{name}"
            for name in (
                "EcrApi",
                "EcrDkr",
                "Kms",
                "Logs",
                "Monitoring",
                "SagemakerApi",
                "SagemakerRuntime",
                "Sts",
                "S3",
            )
        ),
    ),
    Case(
        "the buckets may be spoken to in the clear, but for reading",
        ((_STORAGE, 'tls_only("s3:*"', 'tls_only("s3:GetObject"'),),
        dangers=tuple(
            f"exposure nunchi-<env>-storage/{name}Policy" for name in ("AccessLogs", "Data", "Artifacts")
        ),
    ),
    Case(
        "the buckets may become public",
        ((_STORAGE, '"blockPublicPolicy": True', '"blockPublicPolicy": False'),),
        dangers=tuple(
            f"exposure nunchi-<env>-storage/{name}" for name in ("AccessLogs", "Data", "Artifacts")
        ),
    ),
    Case(
        "one more service uses the key",
        (
            (
                "stacks/encryption_key.py",
                '["budgets.amazonaws.com", "cloudwatch',
                '["budgets.amazonaws.com", "lambda.amazonaws.com", "cloudwatch',
            ),
        ),
        dangers=("exposure nunchi-<env>-storage/Key",),
    ),
    Case(
        "prepare runs in reach of the network",
        (("stacks/jobs.py", '"prepare", role_arn, isolated=True', '"prepare", role_arn, isolated=False'),),
        dangers=("exposure nunchi-<env>-training/Retrain/Workflow/StateMachine",),
    ),
    Case(
        "prod leaves its network",
        ((_PROD, "network: {}\n", ""),),
        dangers=(
            "data nunchi-prod-network/Stack",
            "exposure nunchi-prod-training/Retrain/Workflow/StateMachine",
            "protection nunchi-prod-training/Retrain/Workflow/StateMachine",
            "exposure nunchi-prod-training/TrainMachine/Workflow/StateMachine",
            "protection nunchi-prod-training/TrainMachine/Workflow/StateMachine",
            "exposure nunchi-prod-serving/ServedModel/Model",
        ),
    ),
    Case(
        "prod's log holds people's words",
        ((_PROD, "  execution_data: false # reviews are people's words\n", ""),),
        dangers=(
            *(f"exposure nunchi-prod-training/{name}/Workflow/StateMachine" for name in _MACHINES),
            "exposure nunchi-prod-serving/Transform/Workflow/StateMachine",
        ),
    ),
    Case(
        "the containers' security group is described anew, which replaces it",
        (("stacks/network.py", '"SageMaker jobs and endpoints"', '"Jobs and endpoints"'),),
        dangers=("downtime nunchi-prod-network/Containers",),
    ),
    # Protection
    Case(
        "the workflows log their failures alone",
        (("stacks/workflow.py", '"level": "ALL"', '"level": "ERROR"'),),
        dangers=(
            *(f"protection nunchi-<env>-training/{name}/Workflow/StateMachine" for name in _MACHINES),
            "protection nunchi-<env>-serving/Transform/Workflow/StateMachine",
        ),
    ),
    Case(
        "staging has no canary",
        ((_STAGING, "    canary_percent: 50\n", ""),),
        dangers=("protection nunchi-staging-serving/Realtime/Endpoint/Endpoint",),
    ),
    Case(
        "the key goes with its stack",
        (("stacks/encryption_key.py", "RemovalPolicy.RETAIN", "RemovalPolicy.DESTROY"),),
        dangers=("protection nunchi-<env>-storage/Key",),
    ),
    Case(
        "the key is not renewed",
        (("stacks/encryption_key.py", "enable_key_rotation=True", "enable_key_rotation=False"),),
        dangers=("protection nunchi-<env>-storage/Key",),
    ),
    Case(
        "the topic is not encrypted",
        (("stacks/notifications.py", ", kms_master_key_id=storage.key_arn)", ")"),),
        dangers=("protection nunchi-<env>-training/Notifications/Topic",),
    ),
    Case(
        "the buckets are encrypted with S3's own key",
        (
            (
                _STORAGE,
                '{"sseAlgorithm": "aws:kms", "kmsMasterKeyId": self._key.attr_arn}',
                '{"sseAlgorithm": "AES256"}',
            ),
        ),
        dangers=("protection nunchi-<env>-storage/Data", "protection nunchi-<env>-storage/Artifacts"),
    ),
    Case(
        "the volumes of jobs are not encrypted",
        (("stacks/jobs.py", 'else {"VolumeKmsKeyId": self._storage.key_arn}', "else {}"),),
        dangers=("protection nunchi-<env>-training/Retrain/Workflow/StateMachine",),
    ),
    Case(
        "overwritten objects are gone",
        (
            (
                _STORAGE,
                '{"status": "Enabled"},\n            **more',
                '{"status": "Suspended"},\n            **more',
            ),
        ),
        dangers=tuple(
            f"protection nunchi-<env>-storage/{name}" for name in ("AccessLogs", "Data", "Artifacts")
        ),
    ),
    Case(
        "prod's stacks may be deleted",
        ((_PROD, "termination_protection: true\n", ""),),
        dangers=tuple(
            f"protection nunchi-prod-{part}/Stack"
            for part in ("storage", "network", "training", "serving", "monitoring")
        ),
    ),
    Case(
        "prod keeps its logs a month",
        ((_PROD, "retention_days: 400", "retention_days: 30"),),
        dangers=(
            "protection nunchi-prod-network/FlowLogs",
            *(f"protection nunchi-prod-training/{name}/Workflow/Logs" for name in _MACHINES),
            "protection nunchi-prod-serving/Transform/Workflow/Logs",
            "protection nunchi-prod-serving/Realtime/Endpoint/Logs",
        ),
    ),
    Case(
        "no alarm takes a bad model back",
        (
            (
                "stacks/realtime.py",
                '"alarms": [{"alarmName": alarm.ref} for alarm in alarms]',
                '"alarms": []',
            ),
        ),
        dangers=("protection nunchi-<env>-serving/Realtime/Endpoint/Endpoint",),
    ),
    Case(
        "prod keeps no requests",
        ((_PROD, "  data_capture_percent: 10\n", ""),),
        dangers=("protection nunchi-prod-serving/Realtime/Endpoint/Config",),
    ),
    Case(
        "prod's gate lets through what guesses",
        ((_PROD, "gate:\n", "gate:\n  min_accuracy: 0.5\n"),),
        dangers=("protection nunchi-prod-training/Retrain/Workflow/StateMachine",),
    ),
    Case(
        "a model may be much worse than the champion",
        (("stacks/settings.py", "= 0.005\n", "= 0.05\n"),),
        dangers=("protection nunchi-<env>-training/Retrain/Workflow/StateMachine",),
    ),
    Case(
        "a model may collapse on a slice",
        (("stacks/settings.py", "= 0.05\n", "= 0.5\n"),),
        dangers=("protection nunchi-<env>-training/Retrain/Workflow/StateMachine",),
    ),
    Case(
        "few slices are judged",
        ((_DEV, "gate:\n", "gate:\n  min_slice_rows: 100000\n"),),
        dangers=("protection nunchi-dev-training/Retrain/Workflow/StateMachine",),
    ),
    Case(
        "what serves on CPUs may be much worse than what was trained",
        (("stacks/settings.py", "= 0.003\n", "= 0.03\n"),),
        dangers=("protection nunchi-<env>-training/Retrain/Workflow/StateMachine",),
    ),
    Case(
        "a model that the gate stops is registered as approved, and promoted",
        (
            (
                "stacks/gate.py",
                'limits.min_accuracy}",\n                "RegisterRejected"',
                'limits.min_accuracy}",\n                "Register"',
            ),
        ),
        dangers=("protection nunchi-<env>-training/Retrain/Workflow/StateMachine",),
    ),
    Case(
        "prod's models go live without a person's approval",
        ((_PROD, "gate:\n  approval: person\n", ""),),
        dangers=(
            "protection nunchi-prod-training/Retrain/Workflow/StateMachine",
            "permissions nunchi-prod-training/Retrain/Workflow/RolePolicy",
        ),
    ),
    Case(
        "a sentence that every model must know is taken out",
        (
            (
                _STAGING,
                "    - {text: 시간 낭비였다. 너무 지루하고 재미없다, label: negative}\n",
                "",
            ),
        ),
        dangers=("protection nunchi-staging-training/Promote/Workflow/StateMachine",),
    ),
    Case(
        "a promotion fails where its mark in the registry fails",
        (("stacks/promotion_ends.py", '            catch=[regardless("Promoted")],\n', ""),),
        dangers=("protection nunchi-<env>-training/Promote/Workflow/StateMachine",),
    ),
    Case(
        "the buckets go with their stack",
        (
            (
                _STORAGE,
                "resource.apply_removal_policy(RemovalPolicy.RETAIN)",
                "resource.apply_removal_policy(RemovalPolicy.DESTROY)",
            ),
        ),
        dangers=tuple(
            f"protection nunchi-<env>-storage/{name}{what}"
            for name in ("AccessLogs", "Data", "Artifacts")
            for what in ("", "Policy")
        ),
    ),
    Case(
        "nobody sees who reads the data",
        (
            (
                _STORAGE,
                '            logging_configuration={\n                "destinationBucketName": logs.ref,\n'
                '                "logFilePrefix": f"{name.lower()}/",\n            },\n',
                "",
            ),
        ),
        dangers=("protection nunchi-<env>-storage/Data", "protection nunchi-<env>-storage/Artifacts"),
    ),
    Case(
        "the endpoint's log is not encrypted",
        (
            (
                "stacks/endpoint.py",
                "        # It has no physical name",
                '        log_group.add_property_deletion_override("KmsKeyId")\n'
                "        # It has no physical name",
            ),
        ),
        dangers=(
            "protection nunchi-<env>-serving/Realtime/Endpoint/Logs",
            "protection nunchi-dev-serving/Serverless/Endpoint/Logs",
        ),
    ),
    Case(
        "the logs of jobs are kept a month",
        (("stacks/records.py", "_RETENTION_DAYS = 400", "_RETENTION_DAYS = 30"),),
        dangers=(
            "protection nunchi-<env>-training/Retrain/Workflow/StateMachine",
            "protection nunchi-<env>-serving/Transform/Workflow/StateMachine",
        ),
    ),
    Case(
        "nobody sees who talked to whom",
        (
            (
                "stacks/network.py",
                "        log_flows(self, settings, storage.exports, vpc_id=self._vpc.ref)\n",
                "",
            ),
        ),
        dangers=("protection nunchi-prod-network/FlowLog", "data nunchi-prod-network/FlowLogs"),
    ),
    # Alarms
    Case(
        "a start that fails leaves no trace",
        (
            (
                "stacks/schedule.py",
                '                "deadLetterConfig": {"arn": dead_letters.queue_arn},\n',
                "",
            ),
        ),
        dangers=(
            "alarms nunchi-prod-serving/Schedule/Transform",
            "alarms nunchi-prod-training/Schedule/Retrain",
            "alarms nunchi-staging-training/Schedule/Retrain",
        ),
    ),
    Case(
        "nobody is told that a retrain failed",
        (("stacks/monitoring.py", '("retrain", "promote", *', '("promote", *'),),
        dangers=("alarms nunchi-<env>-monitoring/RetrainFailed",),
    ),
    Case(
        "prod's slow answers are no alarm",
        ((_PROD, "    canary_percent: 50\n", "    canary_percent: 50\n    max_latency_ms: 10000\n"),),
        dangers=("alarms nunchi-prod-serving/Realtime/Latency",),
    ),
    Case(
        "the endpoint's alarms tell nobody",
        (
            (
                "stacks/realtime.py",
                "                threshold=ERROR_PERCENT,\n                actions=[topic_arn],",
                "                threshold=ERROR_PERCENT,\n                actions=[],",
            ),
        ),
        dangers=("alarms nunchi-<env>-serving/Realtime/Errors",),
    ),
    Case(
        "there is no budget",
        (
            (
                "stacks/monitoring.py",
                "        Budget(self, settings=settings, topic_arn=training.exports.topic_arn)\n",
                "",
            ),
        ),
        dangers=("alarms nunchi-<env>-monitoring/Budget/Monthly",),
    ),
    Case(
        "nobody is told of what failed",
        (("stacks/notify.py", '["SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"]', '["SUCCEEDED"]'),),
        dangers=("alarms nunchi-<env>-training/Notify/Rule",),
    ),
    Case(
        "an approval promotes nothing",
        (("stacks/approval.py", '["Approved", "Rejected"]', '["Rejected"]'),),
        dangers=("alarms nunchi-<env>-training/Approval/Rule",),
    ),
    Case(
        "alarms may not use the key of the topic",
        (
            (
                "stacks/encryption_key.py",
                '"budgets.amazonaws.com", "cloudwatch.amazonaws.com"',
                '"budgets.amazonaws.com"',
            ),
        ),
        dangers=("alarms nunchi-<env>-storage/Key",),
    ),
    # Schedule
    Case(
        "prod retrains every night",
        ((_PROD, "cron(0 3 ? * SUN *)", "cron(0 3 * * ? *)"),),
        dangers=("schedule nunchi-prod-training/Schedule/Retrain",),
    ),
    Case(
        "staging retrains in another time zone",
        ((_STAGING, "    expression:", "    timezone: UTC\n    expression:"),),
        dangers=("schedule nunchi-staging-training/Schedule/Retrain",),
    ),
    Case(
        "the schedule is switched off",
        (
            (
                "stacks/schedule.py",
                "            schedule_expression=schedule",
                '            state="DISABLED",\n            schedule_expression=schedule',
            ),
        ),
        dangers=(
            "schedule nunchi-<env>-training/Schedule/Retrain",
            "schedule nunchi-prod-serving/Schedule/Transform",
        ),
    ),
)
