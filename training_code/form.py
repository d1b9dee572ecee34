"""How a team writes its rows: which columns, what a label is there, how long a text may be."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

from normalisation import normalise
from problems import quoted
from sources import Columns

# As the settings have the names that are given (stacks/data_settings.py), but for the = of an argument.
_NAME = re.compile(r"\S([^\n\r]{0,58}\S)?")


class RowError(Exception):
    """What stands in a row breaks a rule, which says the remedy, too."""

    def __init__(self, rule: str, found: str) -> None:
        """`found` is what stands there."""
        super().__init__(rule, found)
        self.rule = rule
        self.found = found


@dataclass(frozen=True)
class Form:
    """How rows are written."""

    columns: Columns
    names: Mapping[str, str]
    """What a label is in the files, in NFC → its name. Empty: what stands in the files is the name."""
    max_text_characters: int
    label_separator: str | None = None
    """What stands between the labels of a text; None where it has one label."""

    @property
    def multi_label(self) -> bool:
        """Whether a text may have several labels, or none."""
        return self.label_separator is not None

    def labels(self, written: object) -> tuple[str, ...]:
        """Return the names of the labels of a row, sorted.

        Raises:
            RowError: it has a label that is not known, that can be no name, or more than there may be.
        """
        if isinstance(written, list):
            if not self.multi_label:
                raise RowError(
                    f"columns: {self.columns.label_column!r} must hold one label; where a text has several, "
                    "set label_separator",
                    quoted(str(written)),
                )
            return tuple(sorted({self._name(_as_text(one)) for one in written}))
        text = _as_text(written)
        if self.label_separator is None:
            return (self._name(text),)
        # What stands in a list is set with blanks by some, and without by others.
        parts = [part.strip() for part in text.split(self.label_separator)] if text.strip() else []
        return tuple(sorted({self._name(part) for part in parts}))

    def text(self, column: str, written: object) -> str:
        """Return a text of a row normalised; it may be empty.

        Raises:
            RowError: it is no text, or too long.
        """
        if not isinstance(written, str | None):
            raise RowError(f"columns: {column!r} must hold texts", quoted(written))
        clean = normalise(written or "")
        longest = self.max_text_characters
        if len(clean) > longest:
            rule = f"max_text_characters: a text may have {longest:,}; cut it, remove it, or raise the limit"
            raise RowError(rule, f"{len(clean):,}: {quoted(clean)}")
        return clean

    def _name(self, written: str) -> str:
        # macOS writes Hangul in another form: to all but the eye that would be another label.
        name = unicodedata.normalize("NFC", written)
        if self.names:
            if name in self.names:
                return self.names[name]
            known = ", ".join(f"{value} ({name})" for value, name in self.names.items())
            raise RowError(
                f"unknown label: it must be one of {known}; mend it, or add it to labels", quoted(written)
            )
        if not _NAME.fullmatch(name):
            raise RowError(
                f"label: {self.columns.label_column!r} must hold the label's name, 1 to 60 characters in one "
                "line without blanks around it; mend it, or give labels",
                quoted(written),
            )
        return name


def _as_text(label: object) -> str:
    # JSON and Parquet have labels that are no texts.
    if isinstance(label, str):
        return label
    if label is None:
        return ""
    return str(label).lower() if isinstance(label, bool) else str(label)
