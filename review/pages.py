"""The two pages: one comment for a pull request, and one HTML page that needs no other file."""

from __future__ import annotations

import re
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from review import comment, words
from review.contents import Contents
from review.cost_rows import cost_rows, prices
from review.drawings import svgs
from review.github_markdown import text
from review.model import Review
from review.permissions import by_resource
from review.safe_ways import SAFE_WAYS

LIMIT = 65_000
"""Characters of a comment. GitHub takes 65,536; the rest is for the mark by which a run finds its comment."""

_TOO_LONG = "This is too long for a comment: the HTML page has all of it."


def markdown(review: Review) -> str:
    """The comment. What makes it too long for one is left to the HTML page; no danger ever is."""
    said = Contents(review)
    if words.is_quiet(said):
        notes = [f"- {text(note)}" for note in review.notes]
        return "\n".join([text(words.verdict(said)), *([""] * bool(notes)), *notes]) + "\n"
    dangers = {"Danger": comment.dangers(said, in_words=True)} if said.dangers else {}
    sections = {title: content for title, content in comment.details(said) if content}
    for title in sorted(sections, key=lambda title: -len(sections[title])):
        if len(_page(said, dangers | sections)) <= LIMIT:
            break
        sections[title] = _TOO_LONG
    if len(_page(said, dangers | sections)) > LIMIT:
        dangers = {"Danger": f"{comment.dangers(said, in_words=False)}\n\n{_TOO_LONG}"}
    return _page(said, dangers | sections)


def html(review: Review) -> str:
    """The HTML page. It asks for nothing from anywhere."""
    said = Contents(review)
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).with_name("templates")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"usd": "{:,.2f}".format, "signed": "{:+,.2f}".format, "breakable": _breakable}
    drawn = svgs([workflow.drawn for _, workflow in said.workflows])
    return environment.get_template("page.html.jinja").render(
        said=said,
        # Graphviz has escaped the names in them.
        pictures=[Markup(svg) for svg in drawn],  # noqa: S704
        words=words,
        safe_ways=SAFE_WAYS,
        by_resource=by_resource,
        prices=prices,
        cost_rows=cost_rows,
    )


def _breakable(path: str) -> Markup:
    """A path that breaks between its parts where a line is too short for it."""
    return Markup("<wbr>").join(re.split(r"(?<=[./])(?=.)", path))


def _page(said: Contents, sections: dict[str, str]) -> str:
    parts = [comment.head(said), *(f"### {title}\n\n{content}" for title, content in sections.items())]
    return "\n\n".join(parts) + "\n"
