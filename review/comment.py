"""The sections of the comment for a pull request, in GitHub's Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from review import words
from review.contents import Contents, Resource, Where
from review.cost_rows import cost_rows, prices
from review.drawings import mermaid
from review.github_markdown import code, table, text
from review.model import EnvironmentReview, Finding, PermissionChange
from review.permissions import by_resource
from review.safe_ways import SAFE_WAYS
from review.values import Difference

_DIFF_LINES = 30
_OPEN = 12


def head(said: Contents) -> str:
    """The verdict, the commits, and a table of the environments."""
    review = said.review
    rows = [
        (
            f"**{text(one.name)}**",
            words.dangers(one),
            text(words.resources(one) or "nothing changes"),
            _monthly(one),
        )
        for one in said.environments
    ]
    return "\n\n".join(
        [
            f"## {text(words.verdict(said))}",
            f"{code(review.base)} → {code(review.head)}",
            *([f"Libraries: {text(', '.join(review.libraries))}"] if review.libraries else []),
            table(("", "dangers", "resources", "US dollars a month"), rows),
        ]
    )


def dangers(said: Contents, in_words: bool) -> str:
    """Every danger and how to let it pass; what happens and the safe way round it only `in_words`."""
    paragraphs = []
    for category, found in said.dangers.items():
        safe = f" The safe way: {text(SAFE_WAYS[category])}" * in_words
        paragraphs.append(f"**{category.capitalize()}.**{safe}")
        lines = []
        for where, danger in found:
            flags = code(" ".join(f"--allow {danger.name.replace('<env>', name)}" for name in where))
            if in_words:
                what = f"{words.kind_of_resource(danger.type)} {code(danger.name)}"
                message = text(danger.message.rstrip("."))
                lines.append(f"- **{text(', '.join(where))}**, {what}: {message}.\n  Let it pass: {flags}")
            else:
                lines.append(f"- {flags}")
        paragraphs.append("\n".join(lines))
    return "\n\n".join(paragraphs)


def details(said: Contents) -> Iterator[tuple[str, str]]:
    """Title and text of every other section; the text is empty where there is nothing to say."""
    yield "Settings", "\n".join(_lines(said.settings))
    yield "Resources", "\n\n".join(_stacks(said))
    yield "Permissions", _permissions(said)
    yield "Workflows", "\n\n".join(_workflows(said))
    yield "Code", "\n".join(_files(said))
    yield "Cost", "\n\n".join(_cost(said))
    yield "Findings of the rule packs", "\n\n".join(_findings(said))
    yield "Notes", "\n".join(f"- {text(note)}" for note in said.review.notes)


def _stacks(said: Contents) -> Iterator[str]:
    count = sum(map(len, said.stacks.values()))
    for (stack, where), found in said.stacks.items():
        lines: list[str] = []
        for resource in found:
            if resource.kind not in ("added", "removed") or resource.dangers:
                lines += _resource(resource)
        for kind in ("removed", "added"):
            alike: dict[str, list[str]] = {}
            for resource in found:
                if resource.kind == kind and not resource.dangers:
                    alike.setdefault(resource.type, []).append(code(resource.path))
            for each, names in alike.items():
                lines.append(f"- **{kind}** {words.kind_of_resource(each)} {', '.join(names)}")
        yield (
            f"<details{' open' * (count <= _OPEN)}><summary><b>{text(stack)}</b> in {text(', '.join(where))}:"
            f" {words.counts(resource.kind for resource in found)}</summary>"
        )
        yield "\n".join(lines)
        yield "</details>"


def _resource(resource: Resource) -> Iterator[str]:
    danger = f": **danger** ({', '.join(resource.dangers)})" * bool(resource.dangers)
    what = f"{words.kind_of_resource(resource.type)} {code(resource.path)}{' (drawn below)' * resource.drawn}"
    yield f"- **{resource.kind}** {what}{danger}"
    if resource.kind not in ("added", "removed"):
        for one in resource.differences:
            yield from _difference(one, "  ")


def _lines(found: Iterable[tuple[Where, Difference]]) -> Iterator[str]:
    for where, one in found:
        first, *rest = _difference(one, "")
        yield f"- **{text(', '.join(where))}** {first.removeprefix('- ')}"
        yield from rest


def _difference(one: Difference, indent: str) -> Iterator[str]:
    why = " (this replaces it)" if one.replaces else ""
    if one.lines:
        shown = "\n".join(one.lines[:_DIFF_LINES])
        more = len(one.lines) - _DIFF_LINES
        fence = "`" * max([3, *(len(run) + 1 for run in re.findall("`+", shown))])
        yield f"{indent}- {code(one.path)}{why}:"
        yield f"{indent}  {fence}diff"
        yield from (f"{indent}  {line}" for line in shown.split("\n"))
        yield f"{indent}  {fence}"
        if more > 0:
            yield f"{indent}  and {more} more line{'s' * (more > 1)}: the HTML page has all."
    elif one.before is None:
        yield f"{indent}- {code(one.path)}: {code(one.after or '')}, was not set{why}"
    elif one.after is None:
        yield f"{indent}- {code(one.path)}: no longer set, was {code(one.before)}{why}"
    else:
        yield f"{indent}- {code(one.path)}: {code(one.before)} → {code(one.after)}{why}"


def _permissions(said: Contents) -> str:
    rows = []
    for where, one in said.permissions:
        way = " and ".join(["**wider**"] * one.wider + ["narrower"] * one.narrower)
        whose = f"{text(one.of)}{f', for {code(one.principal)}' if one.principal else ''} ({text(one.stack)})"
        rows.append((text(", ".join(where)), whose, way, _may(one.gone), _may(one.come)))
    return "Only what differs.\n\n" + table(("where", "who", "", "before", "after"), rows) if rows else ""


def _may(changes: Iterable[PermissionChange]) -> str:
    said = []
    for (effect, resource, _, condition), actions in by_resource(changes).items():
        denied = "denied: " if effect == "Deny" else ""
        when = f" if {code(condition)}" if condition else ""
        said.append(f"{denied}{', '.join(map(code, actions))} on {code(resource)}{when}")
    return "<br>".join(said) or "—"


def _workflows(said: Contents) -> Iterator[str]:
    for where, one in said.workflows:
        yield f"**{text(one.name)}** in {text(', '.join(where))}: {one.kind}"
        yield f"```mermaid\n{mermaid(one.drawn)}\n```"
        if one.states:
            yield "\n".join(f"- {code(name)} {kind}" for name, kind in one.states)
        if one.differences:
            yield "<details><summary>What differs in the states</summary>"
            yield "\n".join(line for each in one.differences for line in _difference(each, ""))
            yield "</details>"


def _files(said: Contents) -> Iterator[str]:
    for file in said.review.code:
        size = "comments alone" if file.only_comments else f"+{file.lines_added} −{file.lines_removed}"
        yield f"- {file.kind} {code(file.path)} ({size})"


def _monthly(one: EnvironmentReview) -> str:
    _, before, after = next(iter(prices(one.cost_before, one.cost_after)), ("", None, None))
    return _usd(before) if before == after else f"{_usd(before)} → {_usd(after)}"


def _cost(said: Contents) -> Iterator[str]:
    rows = []
    for where, one in said.costs:
        for what, before, after in prices(one.before, one.after):
            if before != after or what == "a month":
                difference = f"{(after or 0) - (before or 0):+,.2f}" if before != after else "—"
                rows.append(
                    (f"**{text(', '.join(where))}**", text(what), _usd(before), _usd(after), difference)
                )
    if rows:
        yield table(("", "US dollars", "before", "after", "difference"), rows)
    for where, one in said.costs:
        if one.before != one.after:
            yield f"<details><summary>{text(', '.join(where))} line by line, with the assumptions</summary>"
            lines = [
                (text(row.what), _usd(row.before), _usd(row.after), text(row.assumption))
                for row in cost_rows(one.before, one.after)
            ]
            yield table(("US dollars a month", "before", "after", "assumption"), lines)
            if cost := one.after or one.before:
                remarks = [f"Prices {cost.prices}."] * bool(cost.prices)
                remarks += [f"Not exact: {unknown}." for unknown in cost.unknown]
                yield "\n".join(f"- {text(remark)}" for remark in remarks)
            yield "</details>"


def _findings(said: Contents) -> Iterator[str]:
    for title, found in said.findings:
        if found:
            yield f"{title}:\n\n" + "\n".join(map(_finding, found))


def _finding(found: tuple[Where, Finding]) -> str:
    where, one = found
    why = f": {text(one.reason)}" if one.reason else ""
    return f"- **{text(', '.join(where))}** {code(one.path)} {code(one.rule)}{why}"


def _usd(value: float | None) -> str:
    return "—" if value is None else f"{value:,.2f}"
