from io import BytesIO

import numpy as np
import pytest
from matplotlib.image import imread
from numpy.typing import NDArray

from calibration import calibrate
from pictures import draw_confusion_matrix, draw_reliability

LABELS = ["negative", "positive"]
SURE = calibrate([0.55, 0.75, 0.85, 0.99], [False, True, False, True])


def pixels(png: bytes) -> NDArray[np.float32]:
    return np.asarray(imread(BytesIO(png), format="png"))


def assert_nothing_touches_the_edge(png: bytes) -> None:
    drawn = pixels(png)
    assert all((edge == 1).all() for edge in (drawn[:8], drawn[-8:], drawn[:, :8], drawn[:, -8:]))


@pytest.mark.parametrize("labels", [LABELS, ["매우 부정", "부정", "보통", "긍정", "매우 긍정"]])
def test_the_confusion_matrix_grows_with_the_labels_and_nothing_touches_its_edge(labels: list[str]) -> None:
    size = len(labels)
    counts = [[10_000 * (x == y) + x for x in range(size)] for y in range(size)]
    png = draw_confusion_matrix(counts, labels)
    assert min(pixels(png).shape[:2]) > 200 * size
    assert_nothing_touches_the_edge(png)


def test_a_row_without_counts_can_be_drawn() -> None:
    assert draw_confusion_matrix([[0, 0], [1, 2]], LABELS).startswith(b"\x89PNG")


def test_letters_that_no_font_has_are_not_drawn_as_boxes(recwarn: pytest.WarningsRecorder) -> None:
    draw_confusion_matrix([[1, 0], [0, 1]], ["\U000f0000", "\U000f0001"])
    assert not [warning for warning in recwarn if "missing from font" in str(warning.message)]


def test_the_reliability_of_both_models_is_drawn_within_the_edge() -> None:
    assert_nothing_touches_the_edge(draw_reliability({"candidate": SURE, "champion": SURE}))


def test_the_champion_has_a_colour_of_its_own() -> None:
    orange = np.array([0xC2, 0x62, 0x0A, 0xFF]) / 255
    alone, both = (
        np.isclose(pixels(draw_reliability(models)), orange, atol=1e-3).all(axis=2).any()
        for models in ({"candidate": SURE}, {"candidate": SURE, "champion": SURE})
    )
    assert both and not alone


def test_a_model_that_is_always_equally_sure_can_be_drawn() -> None:
    assert draw_reliability({"candidate": calibrate([1.0], [True])}).startswith(b"\x89PNG")
