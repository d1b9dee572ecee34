"""The arrival of files: each object that is put below `incoming/` starts the batch transform.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/EventBridge.html
"""

from __future__ import annotations

from constructs import Construct

from stacks.dead_letters import DeadLetters
from stacks.prefixes import INCOMING
from stacks.rule import make_rule
from stacks.settings import Settings
from stacks.storage import Storage


class Arrival(Construct):
    """A rule that starts an execution for each file; all but one of those that come together end at once."""

    def __init__(
        self,
        scope: Construct,
        *,
        settings: Settings,
        storage: Storage,
        state_machine_arn: str,
        dead_letters: DeadLetters,
    ) -> None:
        """Build the rule."""
        super().__init__(scope, "Arrival")
        self.rule = make_rule(
            self,
            settings=settings,
            part="arrival",
            description="a file arrived",
            pattern={
                "source": ["aws.s3"],
                # S3 tells of an object when all of it is there.
                "detail-type": ["Object Created"],
                "detail": {
                    "bucket": {"name": [storage.data]},
                    "object": {"key": [{"prefix": f"{INCOMING}/"}]},
                },
            },
            state_machine_arn=state_machine_arn,
            dead_letters=dead_letters,
            input={"input": '{"quiet": true}'},
        )
