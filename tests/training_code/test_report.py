from html.parser import HTMLParser
from io import BytesIO

import pytest
from matplotlib.image import imread

from metrics import measure
from report import Comparison, Mistake, draw_confusion_matrix, render

LABELS = ["negative", "positive"]
METRICS = measure(LABELS * 4, ["negative", "positive", "positive"] + ["negative"] * 5, LABELS)
PICTURE = draw_confusion_matrix([[3, 1], [2, 2]], LABELS)
MISTAKE = Mistake("<script>alert('재미없어')</script> & ㅋㅋ", "negative", "positive", 0.987, "negative")


class Text(HTMLParser):
    """What a reader sees, and which tags there are."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.seen: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.seen.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.seen).split())


def page(champion: bool = True, mistakes: list[Mistake] | None = None) -> Text:
    better = measure(LABELS, LABELS, LABELS)
    comparison = Comparison(mended=5, broken=2)
    return Text(
        render(
            LABELS,
            8,
            METRICS,
            better if champion else None,
            comparison if champion else None,
            [MISTAKE] if mistakes is None else mistakes,
            PICTURE,
        )
    )


def test_the_headline_is_the_accuracy_in_percent() -> None:
    assert "Accuracy 50.00 % 4 right, 4 wrong" in page().text


def test_the_candidate_stands_beside_the_champion_with_the_difference() -> None:
    assert "accuracy 50.00 % 100.00 % -50.00" in page().text


def test_the_report_says_how_many_rows_the_candidate_mends_and_breaks() -> None:
    assert (
        "right where the champion is wrong on 5 rows, and wrong where the champion is right on 2"
        in page().text
    )


def test_without_a_champion_the_report_says_so() -> None:
    assert "There is no champion yet" in page(champion=False).text


def test_each_label_has_its_precision_recall_f1_and_rows() -> None:
    assert "0 negative 50.00 % 75.00 % 60.00 % 4" in page().text


def test_a_mistake_is_shown_as_it_was_written_never_as_markup() -> None:
    shown = page()
    assert "<script>alert('재미없어')</script> & ㅋㅋ negative positive 98.70 % negative" in shown.text
    assert "script" not in [tag for tag, _ in shown.tags]


def test_no_mistakes_are_reported_as_none() -> None:
    assert "None: every row is right." in page(mistakes=[]).text


def test_the_report_needs_no_other_file() -> None:
    sources = [
        value
        for _, attributes in page().tags
        for name, value in attributes.items()
        if name in {"src", "href"}
    ]
    assert len(sources) == 1
    assert str(sources[0]).startswith("data:image/png;base64,")


@pytest.mark.parametrize("labels", [LABELS, ["매우 부정", "부정", "보통", "긍정", "매우 긍정"]])
def test_the_picture_grows_with_the_labels_and_nothing_touches_its_edge(labels: list[str]) -> None:
    size = len(labels)
    counts = [[10_000 * (x == y) + x for x in range(size)] for y in range(size)]
    pixels = imread(BytesIO(draw_confusion_matrix(counts, labels)), format="png")
    assert min(pixels.shape[:2]) > 200 * size
    assert all((edge == 1).all() for edge in (pixels[:8], pixels[-8:], pixels[:, :8], pixels[:, -8:]))


def test_a_row_without_counts_can_be_drawn() -> None:
    assert draw_confusion_matrix([[0, 0], [1, 2]], LABELS).startswith(b"\x89PNG")


def test_letters_that_no_font_has_are_not_drawn_as_boxes(recwarn: pytest.WarningsRecorder) -> None:
    draw_confusion_matrix([[1, 0], [0, 1]], ["\U000f0000", "\U000f0001"])
    assert not [warning for warning in recwarn if "missing from font" in str(warning.message)]
