"""What can be set of an environment's data: how it is written, and what stops a retrain on it."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, field_validator

Column = Annotated[str, Field(min_length=1, max_length=100)]
Share = Annotated[float, Field(ge=0, le=1)]

_MOST_LABELS = 50  # a processing job takes 100 arguments


def _with_text_keys(value: Any) -> Any:
    # YAML reads 0: negative as a number's, and yes: positive as that of true.
    if not isinstance(value, dict):
        return value
    for key in value:
        if isinstance(key, bool) or not isinstance(key, str | int):
            raise ValueError(f"has {key!r}, which is no text to YAML; put what stands in the files in quotes")
    return {str(key): name for key, name in value.items()}


class DataSettings(BaseModel):
    """The labelled texts that *Prepare* reads, and the limits that fail it."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    text_column: Column = "document"
    """Name of the text's column."""
    label_column: Column = "label"
    """Name of the label's column."""
    text_pair_column: Column | None = None
    """Name of the second text's column, where texts come in pairs."""
    label_separator: str | None = None
    """What stands between the labels of a text, as in `,`: each text may then have several, or none. Without
    it each has one."""
    labels: Annotated[dict[str, str], BeforeValidator(_with_text_keys), Field(max_length=_MOST_LABELS)] = {
        "0": "negative",
        "1": "positive",
    }
    """What a label is in the files, and its name in the model's answers. Several may have one name. Empty
    (`{}`): the names are what stands in the files."""
    parquet: bool = False
    """Whether files may be Parquet, for which *Prepare* takes pyarrow from `packages/` of the artifact
    bucket."""
    min_rows: Annotated[int, Field(ge=1)] = 200
    """Distinct texts, before they are split."""
    min_label_share: Share = 0.05
    """Of each label, among the distinct texts."""
    max_duplicate_share: Share = 0.2
    """Of the rows: those that repeat an earlier one."""
    max_conflict_share: Share = 0.05
    """Of the rows: those whose text carries another label, too."""
    max_text_characters: Annotated[int, Field(ge=1)] = 2000
    """Of a text."""
    max_label_drift: Share = 0.1
    """By how much a label's share may have changed since the champion's data."""
    max_length_drift: Share = 0.2
    """By how much the lengths may have shifted since the champion's data: the Kolmogorov-Smirnov distance."""

    @field_validator("label_column", "text_pair_column")
    @classmethod
    def _is_another(cls, value: str | None, info: ValidationInfo) -> str | None:
        for other in ("text_column", "label_column"):
            if value is not None and value == info.data.get(other):
                raise ValueError(f"is {other}, too; name another")
        return value

    @field_validator("label_separator")
    @classmethod
    def _separates(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"\S{1,10}", value):
            raise ValueError(
                "is no separator; allowed: 1 to 10 characters without blanks, in quotes (a bare bar begins a "
                "block of text in YAML)"
            )
        return value

    @field_validator("labels")
    @classmethod
    def _are_names(cls, value: dict[str, str], info: ValidationInfo) -> dict[str, str]:
        separator = info.data.get("label_separator")
        for written, name in value.items():
            if not re.fullmatch(r"[^\s=-]([^=\n\r]{0,58}[^\s=])?", name):
                raise ValueError(
                    f"has the name {name!r}; allowed: 1 to 60 characters, no = among them, the first no "
                    "dash or space, the last no space"
                )
            if not re.fullmatch(r"[^\n\r]{1,100}", written):
                raise ValueError(
                    f"has {written!r}; allowed in the files: 1 to 100 characters without line breaks"
                )
            if separator and separator in written:
                raise ValueError(f"has {written!r}, which label_separator would cut; give another separator")
        if value and len(set(value.values())) < 2:
            raise ValueError("has less than two names; there is nothing to tell apart")
        return value

    @field_validator("min_label_share")
    @classmethod
    def _leaves_room(cls, value: float, info: ValidationInfo) -> float:
        names = set(info.data.get("labels", {}).values())
        # Where a text may have several, each of them can be in all texts.
        if not info.data.get("label_separator") and value * len(names) > 1:
            raise ValueError(
                f"cannot be had by each of {len(names)} labels; allowed: up to {1 / len(names):g}"
            )
        return value
