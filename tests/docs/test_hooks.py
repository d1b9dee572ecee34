"""What the site makes of links that lead out of docs/, which it does not hold."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from docs.hooks import on_page_content, on_page_markdown


def page(name: str) -> SimpleNamespace:
    return SimpleNamespace(file=SimpleNamespace(src_uri=name))


@pytest.mark.parametrize(
    ("link", "named"),
    [
        ("[stacks/rules.py](../stacks/rules.py)", "`stacks/rules.py`"),
        ("[stacks/](../stacks)", "`stacks/`"),
        ("[`app.py`](../app.py)", "`app.py`"),
        ("[the demo](../README.md#the-demo)", "the demo (`README.md`)"),
        ("[Security](security.md)", "[Security](security.md)"),
        ("![picture](../picture.svg)", "![picture](../picture.svg)"),
    ],
)
def test_a_link_out_of_the_documentation_becomes_the_files_name(link: str, named: str) -> None:
    assert on_page_markdown(f"See {link}.", page=page("index.md")) == f"See {named}."


def test_a_link_to_a_file_that_is_not_there_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    on_page_markdown("[gone](../stacks/gone.py)", page=page("index.md"))
    (record,) = caplog.records
    assert record.name.startswith("mkdocs")
    assert record.getMessage() == "index.md links to ../stacks/gone.py, which is not there"


@pytest.mark.parametrize(
    ("name", "html"), [("index.ko.md", '<div lang="ko"><p>눈치</p></div>'), ("a.md", "<p>눈치</p>")]
)
def test_a_korean_page_says_that_it_is_one(name: str, html: str) -> None:
    assert on_page_content("<p>눈치</p>", page=page(name)) == html
