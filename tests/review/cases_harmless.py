"""Changes that a reviewer must not be troubled with."""

from __future__ import annotations

from tests.review.corpus import Case

_ROLES = "stacks/roles.py"
_DEV, _STAGING, _PROD = "config/dev.yaml", "config/staging.yaml", "config/prod.yaml"

HARMLESS = (
    Case("nothing", changes_nothing=True, says="Nothing changes."),
    Case(
        "a comment in the training code",
        (("training_code/train.py", "import json\n", "import json  # 학습\n"),),
        changes_nothing=True,
        says="The training code changes in comments alone (train.py): nothing that is deployed behaves"
        " differently.",
    ),
    Case(
        "another line in the training code",
        (("training_code/train.py", "import json\n", "import json\nimport glob\n"),),
        changes_nothing=True,
    ),
    Case(
        "statements in another order",
        (
            (
                _ROLES,
                "*(source, sources, data, reviews, self._write(prefixes.DATASETS), runs)",
                "*(runs, reviews, self._write(prefixes.DATASETS), data, sources, source)",
            ),
        ),
        changes_nothing=True,
        says="Nothing changes.",
    ),
    Case(
        "actions in another order",
        (
            (
                _ROLES,
                '["kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"]',
                '["kms:GenerateDataKey", "kms:Decrypt", "kms:DescribeKey"]',
            ),
        ),
        changes_nothing=True,
        says="Nothing changes.",
    ),
    Case(
        "a statement for each action",
        (
            (
                "stacks/permissions.py",
                "[permission.statement() for permission in permissions],\n        },",
                '[{**permission.statement(), "Action": [action]} for permission in permissions'
                " for action in permission.actions],\n        },",
            ),
        ),
        changes_nothing=True,
        says="Nothing changes.",
    ),
    Case(
        "a new alarm",
        (
            (
                "stacks/monitoring.py",
                "        for part, name in names.items():\n",
                '        time = {"time": Metric("AWS/States", "ExecutionTime", {}, "Maximum")}\n'
                '        self._alarm("Slow", "slow", "A retrain takes more than a day.", time, threshold=1)\n'
                "        for part, name in names.items():\n",
            ),
        ),
    ),
    Case("logs are kept longer", ((_STAGING, "budget:\n", "logs:\n  retention_days: 365\nbudget:\n"),)),
    Case("what was overwritten is kept longer", ((_PROD, "noncurrent_days: 90", "noncurrent_days: 365"),)),
    Case(
        "training may read less",
        (
            (
                _ROLES,
                "self._read(prefixes.DATASETS), self._read(prefixes.BASE_MODELS)),",
                "self._read(prefixes.DATASETS)),",
            ),
        ),
    ),
    Case(
        "a role's resource is narrower",
        ((_ROLES, '[storage.data_arn("*")]', '[storage.data_arn("reviews/*")]'),),
    ),
    Case(
        "the key's policy asks for more",
        (
            (
                "stacks/encryption_key.py",
                '"Principal": {"Service": f"logs.{REGION}.amazonaws.com"}',
                '"Principal": {"Service": f"logs.{REGION}.amazonaws.com"},\n            "Sid": "Logs"',
            ),
        ),
    ),
    Case(
        "prod scales further",
        ((_PROD, "min_instances: 2\n    max_instances: 8", "min_instances: 3\n    max_instances: 12"),),
    ),
    Case(
        "dev's endpoint gets another instance type",
        ((_DEV, "serving:\n", "serving:\n  realtime:\n    instance_type: ml.c6i.xlarge\n"),),
    ),
    Case(
        "training moves to an instance with disks of its own",
        ((_DEV, "serving:\n", "training:\n  instance_type: ml.g5.xlarge\nserving:\n"),),
    ),
    Case(
        "processing moves to a bigger instance",
        ((_PROD, "budget:\n", "processing:\n  instance_type: ml.m5.2xlarge\n  volume_gb: 100\nbudget:\n"),),
    ),
    Case("another owner", ((_PROD, "owner: nlp-team", "owner: search-team"),)),
    Case(
        "roles and policies are described anew",
        (
            (
                _ROLES,
                'description=f"Nunchi {self._settings.environment}: {step.lower()}"',
                'description=f"Nunchi {self._settings.environment}: the {step.lower()} step"',
            ),
        ),
    ),
    Case(
        "an alarm is described anew",
        (
            (
                "stacks/monitoring.py",
                "failed, timed out or was stopped. The message",
                "did not succeed. The message",
            ),
        ),
    ),
    Case(
        "hyperparameters",
        ((_DEV, "serving:\n", "training:\n  hyperparameters:\n    num_train_epochs: 5\nserving:\n"),),
    ),
    Case(
        "a stricter choice of what serves on CPUs",
        ((_DEV, "min_accuracy: 0.6", "max_optimised_accuracy_drop: 0.001\n  min_accuracy: 0.6"),),
    ),
    Case(
        "bad lines fail their batch",
        ((_PROD, "  batch:\n", "  batch:\n    bad_lines: fail\n"),),
    ),
    Case("a stricter gate", ((_DEV, "min_accuracy: 0.6", "min_accuracy: 0.8"),)),
    Case(
        "a stricter alarm",
        ((_PROD, "    canary_percent: 50\n", "    canary_percent: 50\n    max_latency_ms: 500\n"),),
    ),
    Case("a bigger budget", ((_STAGING, "monthly_usd: 400", "monthly_usd: 500"),)),
    Case("a canary for a quarter", ((_STAGING, "canary_percent: 50", "canary_percent: 25"),)),
    Case("more requests are kept", ((_PROD, "data_capture_percent: 10", "data_capture_percent: 20"),)),
    Case(
        "staging's stacks refuse to be deleted",
        ((_STAGING, "training:\n", "termination_protection: true\ntraining:\n"),),
    ),
    Case("one more is told", ((_PROD, "region:", "notification_emails: [on-call@example.com]\nregion:"),)),
    Case(
        "a start that fails is tried longer",
        ((_PROD, "cron(0 3 ? * SUN *)", "cron(0 3 ? * SUN *)\n    max_retries: 5"),),
    ),
    Case(
        "one more service in the VPC",
        (("stacks/network.py", '"sagemaker.runtime", "sts")', '"sagemaker.runtime", "ssm", "sts")'),),
    ),
    Case(
        "a graph on the dashboard",
        (
            (
                "stacks/dashboard.py",
                '_graph("Utilisation (%; of one core each)"',
                '_graph("이용률, 코어마다 (%)"',
            ),
        ),
    ),
    Case(
        "a batch on two instances",
        ((_PROD, "  batch:\n", "  batch:\n    instance_count: 2\n"),),
    ),
    Case(
        "a bucket policy's statement is named anew",
        (("stacks/permissions.py", '"Sid": "TlsOnly"', '"Sid": "OnlyTls"'),),
    ),
    Case(
        "a new bucket, closed as the others are",
        (
            (
                "stacks/storage.py",
                '        data = self._bucket("Data", logs, []',
                '        self._bucket("Reports", logs, [])\n        data = self._bucket("Data", logs, []',
            ),
        ),
    ),
    Case(
        "the buckets may be spoken to by this account alone",
        (
            (
                "stacks/storage.py",
                "                    *more,\n",
                "                    *more,\n"
                '{"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": f"{bucket.attr_arn}/*",'
                '"Condition": {"StringNotEquals": {"aws:PrincipalAccount": ACCOUNT_ID}}},\n',
            ),
        ),
    ),
    Case(
        "an alarm is named anew",
        (("stacks/monitoring.py", 'f"{machine}-failed"', 'f"{machine}-went-wrong"'),),
    ),
    Case(
        "a new output",
        (
            (
                "stacks/training.py",
                'CfnOutput(self, "ModelPackageGroup"',
                'CfnOutput(self, "Answer", value="42")\n        CfnOutput(self, "ModelPackageGroup"',
            ),
        ),
    ),
    Case(
        "a change is watched longer",
        ((_STAGING, "canary_percent: 50", "canary_percent: 50\n    bake_seconds: 900"),),
    ),
    Case(
        "dev trains on spot instances",
        ((_DEV, "serving:\n", "training:\n  spot: true\n  max_wait_seconds: 28800\nserving:\n"),),
    ),
    Case(
        "a role may do less if",
        (
            (
                _ROLES,
                'Permission(["ecr:GetAuthorizationToken"], ["*"], because="The action has no resources"),',
                'Permission(["ecr:GetAuthorizationToken"], ["*"], because="The action has no resources",'
                ' conditions={"StringEquals": {"aws:PrincipalAccount": "123456789012"}}),',
            ),
        ),
    ),
    Case(
        "dev serves a model from the Hub until it has a champion",
        (
            (
                _DEV,
                "  serverless: {}\n",
                "  serverless: {}\n  hub:\n    model_id: team/sentiment\n"
                "    revision: 0123456789abcdef0123456789abcdef01234567\n",
            ),
        ),
    ),
    Case("no checkpoints", ((_DEV, "serving:\n", "training:\n  checkpoints: false\nserving:\n"),)),
    Case(
        "prod serves with a newer image",
        ((_PROD, "budget:\n", 'images:\n  inference: "4.51.3"\nbudget:\n'),),
    ),
    Case(
        "prod serves on GPUs, whose disks encrypt themselves",
        (
            (_PROD, "    instance_type: ml.c6i.xlarge\n", "    instance_type: ml.g5.xlarge\n"),
            (_PROD, "  batch:\n", "  processor: gpu\n  batch:\n    instance_type: ml.g5.xlarge\n"),
        ),
    ),
    Case("staging no longer scales", ((_STAGING, "max_instances: 4", "max_instances: 2"),)),
)
