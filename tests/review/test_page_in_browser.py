"""Opens the HTML page in Chromium, where that is installed."""

from __future__ import annotations

import html as entities
import json
import re
import shutil
import subprocess
from typing import Any

import pytest

from review.pages import html
from tests.review.examples import everything

# What the browser says of the pages in frames of these widths, with all that folds unfolded.
_WIDTHS = (390, 1280)
_MEASURE = """
<script>
onload = () => {
  const measured = [...document.querySelectorAll("iframe")].map((frame) => {
    const page = frame.contentDocument;
    page.querySelectorAll("details").forEach((details) => details.open = true);
    const root = page.documentElement;
    const box = (element) => element.getBoundingClientRect();
    return {
      overflow: [...page.querySelectorAll("body *")]
        .filter((element) => box(element).right > root.clientWidth + 1)
        .map((element) => element.outerHTML.slice(0, 200)),
      pictures: [...page.querySelectorAll("svg")].map((svg) => [box(svg).width, box(svg).height]),
    };
  });
  document.body.textContent = JSON.stringify(measured);
};
</script>
"""


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What stands too far to the right, and the sizes of the pictures, at each width."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("Chromium is not installed: `apt-get install chromium` lets this test open the page")
    folder = tmp_path_factory.mktemp("browser")
    page = entities.escape(html(everything()))
    frame = '<iframe width="{}" height="900" srcdoc="{}"></iframe>'
    frames = (frame.format(width, page) for width in _WIDTHS)
    opened = folder / "frames.html"
    opened.write_text(f"<!DOCTYPE html><meta charset=utf-8>{_MEASURE}{''.join(frames)}", encoding="utf-8")
    finished = subprocess.run(
        [
            browser,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            f"--user-data-dir={folder / 'profile'}",
            "--dump-dom",
            opened.as_uri(),
        ],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        check=True,
    )
    found = re.search(r"<body>(.*)</body>", finished.stdout, re.DOTALL)
    assert found
    result: list[dict[str, Any]] = json.loads(entities.unescape(found[1]))
    return result


@pytest.mark.parametrize("number", range(len(_WIDTHS)), ids=map(str, _WIDTHS))
def test_nothing_is_wider_than_the_screen(measured: list[dict[str, Any]], number: int) -> None:
    assert measured[number]["overflow"] == []


@pytest.mark.parametrize("number", range(len(_WIDTHS)), ids=map(str, _WIDTHS))
def test_every_picture_has_a_size(measured: list[dict[str, Any]], number: int) -> None:
    (picture,) = measured[number]["pictures"]
    assert min(picture) > 200
