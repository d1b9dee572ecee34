import json
from pathlib import Path

import pytest

from contract import UserError
from drift import champions_train, label_drift, length_drift
from manifest import Summary, summarise
from records import Record


def summary(*texts: str) -> Summary:
    """Of texts whose label is their first character."""
    return summarise([Record(text, (text[0],), file="a", number=1) for text in texts], ["가", "나"])


def test_a_label_that_one_side_does_not_have_has_the_share_0() -> None:
    now = summary("가", "나")
    then = summary("가", "나")
    then["label_shares"] = {"가": 0.25, "다": 0.75}
    assert label_drift(now, then) == (0.75, "다 has 0.0% of the rows, 75.0% of the champion's")


def test_lengths_are_compared_at_the_edges_that_both_have() -> None:
    """Another version of the code may have had other bins."""
    now = summary("가" * 3, "나" * 12)
    then = summary("가" * 3, "나" * 30)
    then["lengths"]["histogram"] = [
        {"up_to": 7, "rows": 1},
        {"up_to": 20, "rows": 0},
        {"up_to": None, "rows": 1},
    ]
    assert length_drift(now, then) == (
        0.5,
        "100.0% of the texts have at most 20 characters, 50.0% of the champion's",
    )


def test_the_same_data_has_not_drifted() -> None:
    one = summary("가", "나" * 3000)
    assert (label_drift(one, one)[0], length_drift(one, one)[0]) == (0, 0)


@pytest.mark.parametrize(
    "content", [None, "", "[]", '{"splits": {"train": {"rows": 5}}}', '{"splits": null}']
)
def test_what_is_no_manifest_is_refused_by_name(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "manifest.json"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    with pytest.raises(UserError, match=r"manifest\.json is not a manifest of prepare\.py"):
        champions_train(path)


def test_a_manifests_train_split_is_found(tmp_path: Path) -> None:
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps({"splits": {"train": summary("가", "나")}}), encoding="utf-8")
    assert champions_train(path) == summary("가", "나")
