"""Data in the forms of the files that `docs/bring-your-own-data.md` shows."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from itertools import combinations, product
from pathlib import Path

from tests.training_code.tiny_model import BAD, GOOD, SUBJECTS

_REVIEWS = Path(__file__).resolve().parents[2] / "data" / "reviews" / "reviews.tsv"
_DAYS = ["월요일", "화요일", "수요일", "목요일", "금요일", "토요일", "일요일"]
_PLACES = ["집에서", "극장에서", "시내에서", "회사 근처에서", "친구 집에서", "광주에서"]
_DOINGS = ["봤습니다", "보고 왔습니다", "먹었습니다", "샀습니다", "받았습니다", "시켰습니다"]


def reviews_csv() -> str:
    """Number, text and label of bundled reviews, and of some that say neither good nor bad."""
    rows = [line.split("\t") for line in _REVIEWS.read_text(encoding="utf-8").splitlines()[1:1001]]
    labelled = [(text, {"0": "부정", "1": "긍정"}[label]) for _, text, label in rows]
    labelled += [
        (f"{day}에 {place} {doing}", "중립") for day, place, doing in product(_DAYS, _PLACES, _DOINGS)
    ]
    return _csv(
        ["번호", "리뷰", "평가"], ([str(number), *row] for number, row in enumerate(labelled, start=1))
    )


def several_csv() -> str:
    """Reviews of one part of a film or of two, each with the parts that it is about, and some of none."""
    parts = {"연기": "연기", "음악": "음악", "이야기": "이야기"}
    opinions = GOOD + BAD
    one = [(f"{part} {opinion}", label) for (part, label), opinion in product(parts.items(), opinions)]
    two = [
        (f"{first} {this} {second} {that}", f"{parts[first]}|{parts[second]}")
        for first, second in combinations(parts, 2)
        for this, that in product(opinions, opinions)
    ]
    none = [(f"{subject} {opinion}", "") for subject, opinion in product(["영화", "감독", "화면"], opinions)]
    return _csv(["리뷰", "항목"], [*one, *two, *none])


def pairs_csv() -> str:
    """Reviews, and what is said to follow from them: it does, or it does not.

    Less that is bad is said than good, so that a text by itself tells something, though far from all: it is
    what a small model learns first, before it finds that both count.
    """
    premises = [(opinion, True) for opinion in GOOD] + [(opinion, False) for opinion in BAD]
    hypotheses = [*premises[: len(GOOD)], *premises[-2:]]
    return _csv(
        ["전제", "가설", "관계"],
        (
            [f"{subject} {first}", f"{subject} {second}", "함의" if good is also_good else "모순"]
            for subject, (first, good), (second, also_good) in product(SUBJECTS, premises, hypotheses)
        ),
    )


def _csv(header: list[str], rows: Iterable[Iterable[str]]) -> str:
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return file.getvalue()
