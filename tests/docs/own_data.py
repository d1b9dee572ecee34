"""The bundled reviews in the form of the file that `docs/bring-your-own-data.md` shows."""

from __future__ import annotations

import csv
import io
from pathlib import Path

_REVIEWS = Path(__file__).resolve().parents[2] / "data" / "reviews" / "reviews.tsv"


def reviews_csv() -> str:
    """Number, text and label, quoted where that is needed."""
    rows = [line.split("\t") for line in _REVIEWS.read_text(encoding="utf-8").splitlines()[1:]]
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["번호", "리뷰", "평가"])
    writer.writerows([number, text, {"0": "부정", "1": "긍정"}[label]] for number, text, label in rows)
    return file.getvalue()
