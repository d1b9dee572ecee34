"""Reviews of one change, for the tests of the pages; and the sections of a comment."""

from __future__ import annotations

import re
from typing import Any

from review.model import (
    Danger,
    EnvironmentReview,
    Finding,
    PermissionChange,
    PropertyChange,
    ResourceChange,
    Review,
    SettingChange,
)

NASTY = "<b>x</b> | `y` *z* _w_ [a](b) @nlp-team #1 &amp; $x$\n\n# h"
"""Text in which everything means something to Markdown, HTML or GitHub."""


def changed(*resources: ResourceChange, **more: Any) -> Review:
    """What changes in prod."""
    return Review("a", "b", (EnvironmentReview("prod", resources, **more),))


def resource(*dangers: Danger, **more: Any) -> ResourceChange:
    """A bucket that changes, or what is given."""
    given = {"kind": "changed", "type": "AWS::S3::Bucket", "path": "Data", **more}
    return ResourceChange("prod", "nunchi-prod-storage", logical_id="Data", dangers=dangers, **given)


def nasty() -> Review:
    """A review whose every text means something to Markdown and HTML."""
    return Review(
        NASTY,
        NASTY,
        (
            EnvironmentReview(
                "prod",
                (
                    resource(
                        Danger("data", NASTY), path=NASTY, properties=(PropertyChange(NASTY, NASTY, None),)
                    ),
                ),
                (PermissionChange("nunchi-prod-storage", NASTY, "Allow", NASTY, NASTY, NASTY, NASTY),),
                settings=(SettingChange(NASTY, None, NASTY),),
                new_findings=(Finding(NASTY, NASTY, NASTY),),
            ),
        ),
        notes=(NASTY,),
        libraries=(NASTY,),
    )


def section(page: str, title: str) -> str:
    """Of a comment, what stands under a title."""
    found = re.search(rf"^### {title}\n\n(.*?)(?=^### |\Z)", page, re.DOTALL | re.MULTILINE)
    assert found, f"the comment has no section {title}"
    return found[1]
