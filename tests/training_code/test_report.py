import re
from html.parser import HTMLParser

import pytest

from evaluation import Answers, assess
from pictures import draw_confusion_matrix
from report import examples, render
from rows import Row
from served_model import Prediction

LABELS = ["negative", "positive"]
# The first fifty are slang.
ROWS = [
    Row(f"영화 {index} " + ("ㅋㅋ" if index < 50 else "봤다"), (LABELS[index % 2],)) for index in range(200)
]
PICTURES = dict.fromkeys(("confusion_matrix", "reliability"), draw_confusion_matrix([[3, 1], [2, 2]], LABELS))


class Text(HTMLParser):
    """What a reader sees, and which tags there are."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.page = page
        self.seen: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self._is_hidden = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._is_hidden = tag == "style"
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        self._is_hidden = False

    def handle_data(self, data: str) -> None:
        if not self._is_hidden:
            self.seen.append(data)

    @property
    def text(self) -> str:
        return re.sub(r" ([.,;)])", r"\1", " ".join(" ".join(self.seen).split()))


def answers(rows: list[Row], wrong: int, first: int = 0) -> Answers:
    """Of a model that is wrong on `wrong` rows from `first` on, and the surer the later a row comes."""
    predictions = [
        Prediction(
            {
                LABELS[1 - LABELS.index(row.label)] if first <= index < first + wrong else row.label: 0.6
                + 0.3 * index / len(rows)
            }
        )
        for index, row in enumerate(rows)
    ]
    return Answers(LABELS, predictions, {"one_text_ms": 4.25, "batch_of_64_ms": 99.6})


def page(candidate: Answers, champion: Answers | None = None, rows: list[Row] = ROWS) -> Text:
    evaluation = assess(rows, candidate, champion)
    return Text(render(evaluation, LABELS, examples(rows, candidate, champion), PICTURES))


def test_the_headline_is_the_accuracy_in_percent_with_its_interval() -> None:
    assert "Accuracy 95.00 % 91.04 to 97.26 % 190 right, 10 wrong" in page(answers(ROWS, 10)).text


@pytest.mark.parametrize(
    ("candidate", "champion", "said"),
    [
        (
            answers(ROWS, 10),
            answers(ROWS, 40),
            "The candidate is better than the champion by 15.00 points of accuracy, "
            "more than chance explains.",
        ),
        (
            answers(ROWS, 40),
            answers(ROWS, 10),
            "The candidate is worse than the champion by 15.00 points of accuracy, "
            "more than chance explains.",
        ),
        (
            answers(ROWS, 12),
            answers(ROWS, 10),
            "The candidate is worse than the champion by 1.00 points of accuracy, which may be chance.",
        ),
        (
            answers(ROWS, 5),
            answers(ROWS, 5, first=100),
            "The candidate and the champion are right equally often.",
        ),
        (answers(ROWS, 5), None, "There is no champion yet"),
    ],
    ids=["better", "worse", "chance", "equal", "no champion"],
)
def test_the_verdict_stands_before_everything_else(
    candidate: Answers, champion: Answers | None, said: str
) -> None:
    text = page(candidate, champion).text
    assert said in text[: text.index("Accuracy ")]


def test_the_verdict_tells_how_many_rows_are_mended_and_broken_and_what_the_test_says() -> None:
    said = "right where the champion is wrong on 30, and wrong where the champion is right on 5"
    text = page(answers(ROWS, 5, first=100), answers(ROWS, 30)).text
    assert said in text
    assert "McNemar's test, exact: p < 0.0001" in text


def test_the_verdict_names_the_slices_that_are_worse() -> None:
    rows = [Row("재미있어요ㅋㅋ" if index < 50 else "영화", ("negative",)) for index in range(100)]
    text = page(answers(rows, 10), answers(rows, 10, first=50), rows).text
    assert "Worse beyond chance on the slices slang." in text


def test_a_slice_that_is_better_is_not_named() -> None:
    assert "On no slice is it worse beyond chance." in page(answers(ROWS, 0), answers(ROWS, 20)).text


def test_the_candidate_stands_beside_the_champion_with_the_difference() -> None:
    assert "accuracy 95.00 % 80.00 % +15.00" in page(answers(ROWS, 10), answers(ROWS, 40)).text


def test_a_slice_is_shown_with_what_it_holds_and_how_both_models_do() -> None:
    assert (
        "slang Has a Hangul letter that is no syllable: ㅋㅋ, ㅠㅠ, ㄷㄷ. 50 80.00 % 66.96 to 88.76 % "
        "100.00 % -20.00 p = 0.0020"
    ) in page(answers(ROWS, 10), answers(ROWS, 0)).text


def test_calibration_is_shown_of_both_models() -> None:
    text = page(answers(ROWS, 10), answers(ROWS, 40)).text
    assert re.search(r"Calibration .* candidate [\d.]+ 0\.\d{4} champion [\d.]+ 0\.\d{4} ", text)


def test_latency_is_shown_as_what_it_is() -> None:
    text = page(answers(ROWS, 10)).text
    assert "Nothing is judged by it. 1 text 64 texts candidate 4.2 ms 100 ms" in text


def test_the_surest_disagreements_come_first_and_say_who_is_right() -> None:
    text = page(answers(ROWS, 1, first=10), answers(ROWS, 2, first=150)).text
    shown = text[text.index("Where the two disagree") : text.index("Most confident mistakes")]
    assert "3 rows, surest first." in shown
    told = re.findall(r"영화 (\d+) \S+ \w+ \w+ [\d.]+ % \w+ [\d.]+ % (\w+)", shown)
    assert told == [("151", "candidate"), ("150", "candidate"), ("10", "champion")]


def test_of_many_disagreements_the_first_are_shown() -> None:
    text = page(answers(ROWS, 45), answers(ROWS, 0)).text
    shown = text[text.index("Where the two disagree") : text.index("Most confident mistakes")]
    assert "45 rows, surest first; the first 30." in shown
    assert len(re.findall("영화 ", shown)) == 30


def test_models_that_agree_are_said_to() -> None:
    assert "Nowhere: they answer every row alike." in page(answers(ROWS, 3), answers(ROWS, 3)).text


def test_each_label_has_its_precision_recall_f1_and_rows() -> None:
    rows = [Row("가", ("negative",))] * 4 + [Row("나", ("positive",))] * 4
    assert "0 negative 100.00 % 75.00 % 85.71 % 4" in page(answers(rows, 1), rows=rows).text


def test_a_mistake_is_shown_as_it_was_written_never_as_markup() -> None:
    rows = [Row("<script>alert('재미없어')</script> & ㅋㅋ", ("negative",)), Row("나", ("positive",))]
    shown = page(answers(rows, 1), answers(rows, 0), rows)
    assert (
        "<script>alert('재미없어')</script> & ㅋㅋ negative positive 60.00 % negative 60.00 %" in shown.text
    )
    assert "script" not in [tag for tag, _ in shown.tags]


def test_no_mistakes_are_reported_as_none() -> None:
    assert "None: every row is right." in page(answers(ROWS, 0)).text


def test_the_report_needs_no_other_file_and_asks_nobody() -> None:
    shown = page(answers(ROWS, 10), answers(ROWS, 40))
    sources = [
        str(value)
        for _, attributes in shown.tags
        for name, value in attributes.items()
        if name in {"src", "srcset", "href", "action", "data", "background"}
    ]
    assert len(sources) == 2
    assert all(source.startswith("data:image/png;base64,") for source in sources)
    assert not re.search(r"https?:|@import|url\(", shown.page)


def test_several_labels_are_told_as_a_list_with_what_counts_as_right() -> None:
    labels = ["연기", "음악"]
    rows = [Row("둘 다 좋다", ("연기", "음악"), multi_label=True), Row("봤다", (), multi_label=True)]
    said = [
        Prediction(dict(zip(labels, of, strict=True)), multi_label=True) for of in [(0.9, 0.4), (0.6, 0.8)]
    ]
    found = Answers(labels, said, {"one_text_ms": 4.25, "batch_of_64_ms": 99.6})
    text = Text(
        render(assess(rows, found, None), labels, examples(rows, found, None), {"reliability": b""})
    ).text
    assert "it is right if it has each of the text's labels and no other" in text
    assert "Micro-F1 40.00 %" in text
    assert "둘 다 좋다 연기, 음악 연기 54.00 % 봤다 no label 연기, 음악 48.00 %" in text
    assert "Confusion" not in text


def test_a_pair_is_shown_with_both_texts() -> None:
    rows = [Row("비가 온다", ("negative",), "맑다"), Row("나", ("positive",), "다")]
    assert "비가 온다 ⟷ 맑다 negative positive" in page(answers(rows, 1), rows=rows).text
