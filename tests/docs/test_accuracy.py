"""`docs/accuracy.md` says what was measured."""

from __future__ import annotations

from docs.accuracy import PAGE, PICTURE, page, picture, read


def test_the_page_is_made_from_the_figures_as_they_are() -> None:
    """`.venv/bin/python -m docs.accuracy` makes it anew."""
    assert PAGE.read_text(encoding="utf-8") == page(read())


def test_the_picture_is_drawn_from_the_figures_as_they_are() -> None:
    assert PICTURE.read_text(encoding="utf-8") == picture(read())


def test_a_line_of_the_table_is_the_mean_of_its_seeds_with_wilsons_interval() -> None:
    rows = read()
    for row in rows:
        if (row["model"], row["train_rows"]) == ("nunchi-mini", 130_763):
            row.update(test_rows=100, test_accuracy=0.5 + 0.1 * row["seed"])
    # https://en.wikipedia.org/wiki/Binomial_proportion_confidence_interval#Wilson_score_interval
    line = "| nunchi-mini | 130,763 | 3 | 3 | 100 | **70.00** | 60.00 to 80.00 | 60.42 to 78.11 |"
    assert line in page(rows)


def test_every_run_says_how_to_run_it_again() -> None:
    commands = [row["command"] for row in read()]
    assert len(set(commands)) == len(commands)
    assert not [command for command in commands if not command.startswith("python benchmarks/accuracy.py ")]
