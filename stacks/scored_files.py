"""Which files below `incoming/` have their predictions: a table remembers the ETag that each was scored with.

A file is new when the table has no record of it, or one with another ETag: what is put in the place of a
file is another file. (Of the same content too, as KMS encrypts the bucket: its ETags are no digests.) The
time of its last change would not do: of a large upload it is when it began, and one that came while a job
read the old one would seem older than its predictions.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html

A model that takes over makes no file new. The record is kept as long as the environment, so a prediction
that has expired is not made again either.
"""

from __future__ import annotations

from constructs import Construct

from stacks.jsonata import query
from stacks.permissions import Permission
from stacks.prefixes import INCOMING, PREDICTIONS
from stacks.settings import Settings
from stacks.states import State, choice, refuse, task, when
from stacks.storage import Storage
from stacks.table import make_table

PAGE = 100
"""Files that are looked at in one step: a transaction of DynamoDB takes no more, and a state's 256 KB hold
the listing of no more than 200 keys of the longest kind.
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactGetItems.html
https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html"""
_MOST_PAGES = 1000
"""Of an execution, whose history has 25,000 events, of which a page takes up to 16."""
_ENOUGH = 40_000
"""Characters of a job's list as JSON: with a page of the longest keys on top, a variable's 256 KB hold it."""
_MOST_FAILED = 100
"""Files without predictions, after which an execution gives up."""
_NAME = f"$substringAfter(Key, '{INCOMING}/')"
PREDICTION = f"'{PREDICTIONS}/' & {_NAME} & '.out'"
"""JSONata: the key of a file's prediction, where `Key` is the file's."""


class ScoredFiles(Construct):
    """The table, and the states that find what is new and record what has been scored.

    They share these variables: `again`, a list with the prefix below `incoming/` of what is scored though it
    is not new, or without; `files`, of the job at hand, each with `Key` and `ETag`; `after`, the key up to
    which was listed, empty at the end; `failed`, keys that got no prediction; `made`, the files that got
    one and are to be recorded; `total`, how many did before; `scored`, whether any was new since the listing
    began.
    """

    def __init__(self, scope: Construct, *, settings: Settings, storage: Storage) -> None:
        """Build the table."""
        super().__init__(scope, "ScoredFiles")
        self._storage = storage
        self._table = make_table(
            self,
            name=settings.name("scored"),
            key="file",
            holds="names of files",
            without_backup="Without a record its file is scored once more",
        )

    def find(self, *, found: str, end: str) -> dict[str, State]:
        """States from `ListFiles` on: to `found` with the `files` of a job, and to `end` if none is new."""
        listed = r"$states.result.Contents[$not($contains(Key, /\/$/))]"
        again = f"$again[$substring($one.Key, {len(INCOMING) + 1}, $length($)) = $]"
        new = (
            "$filter($page, function($one, $i) { $not($one.Key in $failed)"
            f" and ($not($known[$i].Item.etag.S = $one.ETag) or $count({again}) > 0) }})"
        )
        return {
            "ListFiles": task(
                "aws-sdk:s3:listObjectsV2",
                {
                    "Bucket": self._storage.data,
                    "Prefix": f"{INCOMING}/",
                    "StartAfter": query("$after"),
                    "MaxKeys": PAGE,
                },
                assign={
                    "page": query(f"[{listed}.{{'Key': Key, 'ETag': ETag}}]"),
                    "after": query("$states.result.IsTruncated ? $states.result.Contents[-1].Key : ''"),
                    "pages": query("$pages + 1"),
                },
                next="IsAnyFile",
            ),
            "IsAnyFile": choice(when("$count($page) = 0", "IsItEnough"), default="ReadScored"),
            "ReadScored": task(
                "aws-sdk:dynamodb:transactGetItems",
                {
                    "TransactItems": query(
                        f"[$page.{{'Get': {{'TableName': '{self._table.ref}',"
                        " 'Key': {'file': {'S': Key}}}}]"
                    )
                },
                assign={
                    "files": query(f"($known := $states.result.Responses; [$append($files, {new})])"),
                },
                next="IsItEnough",
            ),
            "IsItEnough": choice(
                when(f"$pages > {_MOST_PAGES}", "RefuseSoMany"),
                when(f"$after != '' and $length($string($files)) < {_ENOUGH}", "ListFiles"),
                when("$count($files) > 0", found),
                # What has come since then may stand before what was listed last.
                when("$scored", "LookAgain"),
                default=end,
            ),
            "LookAgain": {
                "Type": "Pass",
                "Assign": {"after": f"{INCOMING}/", "again": [], "scored": False},
                "Next": "ListFiles",
            },
            "RefuseSoMany": refuse(
                "ListFiles",
                f"'more than {_MOST_PAGES * PAGE} names were listed below {INCOMING}/; move those away that"
                " have their predictions, and start it again'",
            ),
        }

    def record(self, *, end: str) -> dict[str, State]:
        """States from `ListPredictions` on, once the job is over: on to what else is new, or to `end`.

        A prediction that was written since `began`, in milliseconds, is the job's. SageMaker writes none of a
        file of which a line failed, and fails the job, but writes the others.
        """
        fresh = "[$states.result.Contents[$toMillis(LastModified) >= $began].Key]"
        records = (
            f"[$made[[0..{PAGE - 1}]].{{'Put': {{'TableName': '{self._table.ref}',"
            " 'Item': {'file': {'S': Key}, 'etag': {'S': ETag}}}}]"
        )
        return {
            "ListPredictions": task(
                "aws-sdk:s3:listObjectsV2",
                {
                    "Bucket": self._storage.artifacts,
                    "Prefix": f"{PREDICTIONS}/",
                    "StartAfter": query("$seen"),
                    "MaxKeys": PAGE,
                },
                assign={
                    "made": query(f"($fresh := {fresh}; [$append($made, $files[({PREDICTION}) in $fresh])])"),
                    "seen": query("$states.result.IsTruncated ? $states.result.Contents[-1].Key : ''"),
                },
                next="IsThatAll",
            ),
            "IsThatAll": choice(
                when("$seen != '' and $count($made) < $count($files)", "ListPredictions"), default="Settle"
            ),
            "Settle": {
                "Type": "Pass",
                "Assign": {
                    "failed": query("[$append($failed, $files[$not(Key in $made.Key)].Key)]"),
                    "giveUp": query(
                        "$count($made) = 0 or"
                        f" $count($failed) + $count($files) - $count($made) >= {_MOST_FAILED}"
                    ),
                    "total": query("$total + $count($made)"),
                    "round": query("$round + 1"),
                    "files": [],
                    "scored": True,
                },
                "Next": "IsAllRecorded",
            },
            "IsAllRecorded": choice(
                when("$count($made) > 0", "RecordScored"),
                when("$giveUp", end),
                when("$after = ''", "LookAgain"),
                default="ListFiles",
            ),
            "RecordScored": task(
                "aws-sdk:dynamodb:transactWriteItems",
                {"TransactItems": query(records)},
                assign={"made": query(f"[$made[[{PAGE}..$count($made)]]]")},
                next="IsAllRecorded",
            ),
        }

    def permissions(self) -> list[Permission]:
        """What the states need."""
        return [
            *(
                Permission(["s3:ListBucket"], [bucket], conditions={"StringEquals": {"s3:prefix": prefix}})
                for bucket, prefix in (
                    (self._storage.data_arn(), f"{INCOMING}/"),
                    (self._storage.artifacts_arn(), f"{PREDICTIONS}/"),
                )
            ),
            # A transaction is allowed as what it consists of.
            Permission(["dynamodb:GetItem", "dynamodb:PutItem"], [self._table.attr_arn]),
        ]
