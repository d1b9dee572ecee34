"""What `make demo` runs, as a person sees it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DEMO = [sys.executable, "-m", "localaws", "--", sys.executable, "-m", "examples.demo"]

pytestmark = pytest.mark.end_to_end


@pytest.fixture
def demo() -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        DEMO, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", process_group=0
    )
    yield process
    process.kill()
    process.wait()


def read_until(process: subprocess.Popen[str], pattern: str) -> str:
    assert process.stdout is not None
    seen = ""
    for line in process.stdout:
        seen += line
        if re.search(pattern, line):
            return seen
    raise AssertionError(f"the demo ended without {pattern!r}:\n{seen}")


def processes_that_know(url: str) -> list[str]:
    """Command lines of the processes that were given this AWS's address."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if url.encode() in (process / "environ").read_bytes():
                found.append((process / "cmdline").read_text().replace("\0", " "))
        except OSError:
            continue
    return found


def test_the_demo_shows_the_retrain_the_answers_and_the_report_and_leaves_nothing_running(
    demo: subprocess.Popen[str],
) -> None:
    url = re.findall(r"http://\S+", read_until(demo, "Nunchi demo"))[0]
    output, _ = demo.communicate()
    assert demo.returncode == 0, output
    assert re.search(r"\[train\] step=\d+ epoch=[\d.]+ loss=[\d.]+", output)
    assert re.search(r"is the champion, served by (ONNX Runtime int8|PyTorch: .* points on \d+ )", output)
    assert len(re.findall(r"^  (?:positive|negative) +[01]\.\d{3}  .*[가-힣]", output, re.MULTILINE)) == 6
    (report,) = re.findall(r"^  (/.*report\.html)$", output, re.MULTILINE)
    assert "<html" in Path(report).read_text(encoding="utf-8")
    assert processes_that_know(url) == []


def test_ctrl_c_while_a_model_trains_leaves_nothing_running(demo: subprocess.Popen[str]) -> None:
    url = re.findall(r"http://\S+", read_until(demo, "Nunchi demo"))[0]
    read_until(demo, r"\[train\]")
    assert processes_that_know(url)
    os.killpg(demo.pid, signal.SIGINT)
    assert demo.wait(timeout=30) != 0
    deadline = time.monotonic() + 10
    while processes_that_know(url) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert processes_that_know(url) == []


def test_the_demo_never_deploys_to_a_real_account() -> None:
    environment = {name: value for name, value in os.environ.items() if name != "AWS_ENDPOINT_URL"}
    result = subprocess.run(
        [sys.executable, "-m", "examples.demo"], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert result.returncode == 1
    assert "would deploy to a real account. Run `make demo`" in result.stderr
