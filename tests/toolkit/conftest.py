"""One model, trained and optimised, behind SageMaker's inference toolkit."""

from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

import train
from optimise import optimise
from rows import Row
from tests.toolkit.server import ToolkitServer
from tests.training_code import tiny_model
from tests.training_code.conftest import FAST, pack, write_channels


@pytest.fixture(scope="session")
def rows() -> list[Row]:
    good = [Row(text, ("positive",)) for text in tiny_model.reviews(tiny_model.GOOD)]
    return good + [Row(text, ("negative",)) for text in tiny_model.reviews(tiny_model.BAD)]


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory, rows: list[Row]) -> Path:
    """The model.tar.gz of train.py, which PyTorch serves."""
    base, checkpoint = tmp_path_factory.mktemp("job"), tmp_path_factory.mktemp("checkpoint")
    tiny_model.write_checkpoint(checkpoint)
    write_channels(base, rows[::2], rows[1::2], checkpoint)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SAGEMAKER_BASE_DIR", str(base))
        train.main(FAST)
    archive = base / "model.tar.gz"
    pack(base / "model", archive)
    return archive


@pytest.fixture(scope="session")
def optimised(tmp_path_factory: pytest.TempPathFactory, rows: list[Row], trained: Path) -> Path:
    """The model.tar.gz of optimise.py, which ONNX Runtime serves."""
    archive = tmp_path_factory.mktemp("optimised") / "model.tar.gz"
    result = optimise(trained, archive, rows[1::2], batch_size=64)
    assert result["exported"], result["reason"]
    return archive


@pytest.fixture(scope="session", params=["trained", "optimised"])
def archive(request: pytest.FixtureRequest) -> Path:
    """A model.tar.gz of each kind in turn."""
    archive = request.getfixturevalue(request.param)
    assert isinstance(archive, Path)
    return archive


@pytest.fixture(scope="session")
def toolkit(
    request: pytest.FixtureRequest, archive: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ToolkitServer]:
    """The archive behind the toolkit's model server."""
    server = ToolkitServer(archive, tmp_path_factory.mktemp("toolkit server"))
    request.config.stash[_RUNNING] = server
    yield server
    del request.config.stash[_RUNNING]
    server.stop()


_RUNNING = pytest.StashKey[ToolkitServer]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the server's log beside a failure."""
    report = yield
    if report.failed and (server := item.config.stash.get(_RUNNING, None)):
        report.sections.append(("the end of the toolkit server's log", server.log()))
    return report
