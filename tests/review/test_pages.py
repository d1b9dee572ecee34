from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser

import pytest

from review.model import Danger, PropertyChange, Review, SettingChange
from review.pages import LIMIT, html, markdown
from tests.review import examples
from tests.review.small_reviews import NASTY, changed, nasty, resource, section

_VOID = {"meta", "link", "img", "br", "wbr", "hr", "input"}


@pytest.fixture(scope="module")
def page() -> str:
    return html(examples.everything())


class Reader(HTMLParser):
    """The elements of a page and their text; fails where they do not nest."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(page)
        self.close()
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in _VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def wide(count: int) -> Review:
    """A review that is far too long for a comment, with as many dangers."""
    properties = tuple(PropertyChange(f"P{number}", "가" * 30, "나" * 30) for number in range(40))
    return changed(
        *(
            resource(Danger("data", f"danger {number}"), path=f"Bucket{number}", properties=properties)
            for number in range(count)
        ),
        settings=(SettingChange("owner", "a", "b"),),
    )


def test_a_comment_is_never_too_long() -> None:
    assert len(markdown(wide(100))) <= LIMIT


def test_what_is_too_long_is_left_to_the_html_page() -> None:
    assert section(markdown(wide(100)), "Resources").strip() == (
        "This is too long for a comment: the HTML page has all of it."
    )


def test_only_what_is_too_long_is_left_out() -> None:
    assert "`owner`" in section(markdown(wide(100)), "Settings")


def test_no_danger_is_ever_left_out() -> None:
    assert section(markdown(wide(800)), "Danger").count("--allow ") == 800


def test_even_so_many_dangers_fit_in_a_comment() -> None:
    assert len(markdown(wide(800))) <= LIMIT


def test_a_long_diff_says_that_the_html_page_has_all() -> None:
    long = PropertyChange("Body", None, "\n".join(map(str, range(100))))
    assert "and 70 more lines: the HTML page has all." in markdown(changed(resource(properties=(long,))))


@pytest.mark.parametrize(
    "review",
    [
        examples.nothing,
        examples.comment_alone,
        examples.code_alone,
        examples.library_alone,
        examples.new_environment,
        examples.everything,
    ],
)
def test_every_page_is_one_html_document_that_nests(review: Callable[[], Review]) -> None:
    assert Reader(html(review())).tags[0] == ("html", {"lang": "en"})


def test_the_page_asks_for_nothing_from_anywhere(page: str) -> None:
    asked = [
        value
        for _, attributes in Reader(page).tags
        for name, value in attributes.items()
        if name in ("src", "href")
    ]
    assert all(value and value.startswith("#") for value in asked)
    assert not re.search(r"url\(|@import|<script", page)


def test_the_contents_lead_to_every_section(page: str) -> None:
    tags = Reader(page).tags
    sections = [attributes["id"] for tag, attributes in tags if tag == "section"]
    assert [attributes["href"] for tag, attributes in tags if tag == "a"][: len(sections)] == [
        f"#{name}" for name in sections
    ]


def test_no_two_elements_of_the_page_share_an_id(page: str) -> None:
    ids = [attributes["id"] for _, attributes in Reader(page).tags if "id" in attributes]
    assert len(ids) == len(set(ids))


def test_no_text_means_anything_to_html() -> None:
    assert not [tag for tag, _ in Reader(html(nasty())).tags if tag == "b"]


def test_text_is_said_as_it_is() -> None:
    assert NASTY in Reader(html(nasty())).text


def test_the_page_has_all_that_the_comment_leaves_out() -> None:
    assert html(wide(100)).count("<code>P39</code>") == 100


def test_the_page_has_every_flag(page: str) -> None:
    assert "--allow nunchi-staging-monitoring/Alarms/RetrainFailed" in page


def test_the_page_is_the_same_every_time(page: str) -> None:
    assert html(examples.everything()) == page
