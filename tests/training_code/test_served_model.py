import gzip
import io
import json
import shutil
import sys
import tarfile
from pathlib import Path

import pytest

import inference
from contract import UserError
from served_model import Prediction, ServedModel
from tests.training_code.conftest import pack

TEXTS = ["영화 정말 좋았어요", "음악 지루해요", "배우 최고예요 ㅋㅋ"]


def test_it_answers_what_the_handlers_answer(classifier: Path, tmp_path: Path) -> None:
    pack(classifier, tmp_path / "model.tar.gz")
    served = ServedModel(tmp_path / "model.tar.gz", tmp_path / "model").predict(TEXTS)
    request = inference.input_fn(json.dumps({"inputs": TEXTS}), "application/json")
    answer = inference.predict_fn(request, inference.model_fn(str(classifier)))
    expected = json.loads(inference.output_fn(answer, "application/json"))
    assert [answer.label for answer in served] == [answer["label"] for answer in expected]
    assert [answer.score for answer in served] == pytest.approx([answer["score"] for answer in expected])


@pytest.fixture
def older(classifier: Path, tmp_path: Path) -> Path:
    """An archive with handlers of its own, some of whose modules are of the same names as today's."""
    older = tmp_path / "older"
    shutil.copytree(classifier, older)
    code = older / "code"
    (code / "normalisation.py").write_text("def normalise(text): return 'older'\n", encoding="utf-8")
    (code / "torch_runtime.py").write_text("score = 1\n", encoding="utf-8")
    (code / "inference.py").write_text(
        "import json\n"
        "from normalisation import normalise\n"
        "def model_fn(model_dir):\n"
        "    import torch_runtime\n"
        "    return torch_runtime.score\n"
        "def input_fn(body, content_type): return json.loads(body)\n"
        "def predict_fn(data, model):\n"
        "    return [{'label': normalise(text), 'score': model} for text in data['inputs']]\n"
        "def output_fn(prediction, accept): return json.dumps(prediction)\n",
        encoding="utf-8",
    )
    pack(older, tmp_path / "old.tar.gz")
    return tmp_path / "old.tar.gz"


def test_each_archive_is_asked_through_its_own_code(classifier: Path, older: Path, tmp_path: Path) -> None:
    pack(classifier, tmp_path / "new.tar.gz")
    first = ServedModel(tmp_path / "new.tar.gz", tmp_path / "a")
    old = ServedModel(older, tmp_path / "b")
    second = ServedModel(tmp_path / "new.tar.gz", tmp_path / "c")
    assert old.predict(TEXTS[:1]) == [Prediction("older", 1)]
    assert first.predict(TEXTS) == second.predict(TEXTS)
    assert first.predict(TEXTS)[0].label in {"negative", "positive"}


def test_what_the_handlers_refuse_is_said_as_they_say_it(classifier: Path, tmp_path: Path) -> None:
    pack(classifier, tmp_path / "model.tar.gz")
    served = ServedModel(tmp_path / "model.tar.gz", tmp_path / "model")
    with pytest.raises(Exception, match=r"the text has no visible character.*inputs\[1\]"):
        served.predict(["영화", " "])


def test_an_archives_code_does_not_replace_this_programs_own(classifier: Path, tmp_path: Path) -> None:
    pack(classifier, tmp_path / "model.tar.gz")
    before = sys.modules["normalisation"]
    ServedModel(tmp_path / "model.tar.gz", tmp_path / "model")
    assert sys.modules["normalisation"] is before
    assert str(tmp_path / "model" / "code") not in sys.path


def _member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, link
    return member


@pytest.mark.parametrize(
    ("member", "message"),
    [
        (_member("../escaped"), "'../escaped', which leads out of its folder"),
        (_member("code/../../escaped"), "which leads out of its folder"),
        (_member("code/../weights"), "which leads out of its folder"),
        (_member("/escaped"), "'/escaped', which leads out of its folder"),
        (
            _member("weights", tarfile.SYMTYPE, "/etc/passwd"),
            "'weights', a link; pack files and folders only",
        ),
        (_member("weights", tarfile.SYMTYPE, "config.json"), "'weights', a link"),
        (_member("weights", tarfile.LNKTYPE, "config.json"), "'weights', a link"),
        (_member("weights", tarfile.FIFOTYPE), "'weights', a device or a pipe"),
        (_member("weights", tarfile.CHRTYPE), "'weights', a device or a pipe"),
    ],
)
def test_an_archive_of_more_than_plain_files_is_refused(
    tmp_path: Path, member: tarfile.TarInfo, message: str
) -> None:
    archive = tmp_path / "model.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.addfile(member, io.BytesIO())
    with pytest.raises(UserError) as error:
        ServedModel(archive, tmp_path / "model")
    assert str(error.value).startswith(f"{archive} cannot be extracted: it has ")
    assert message in str(error.value)
    assert not (tmp_path / "escaped").exists()


@pytest.mark.parametrize("missing", ["config.json", "code/inference.py"])
def test_an_archive_that_is_no_model_is_refused(classifier: Path, tmp_path: Path, missing: str) -> None:
    folder = tmp_path / "broken"
    shutil.copytree(classifier, folder)
    (folder / missing).unlink()
    pack(folder, tmp_path / "model.tar.gz")
    with pytest.raises(UserError, match=f"has no {missing}"):
        ServedModel(tmp_path / "model.tar.gz", tmp_path / "model")


def test_a_missing_archive_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"model\.tar\.gz does not exist"):
        ServedModel(tmp_path / "model.tar.gz", tmp_path / "model")


def _spoilt() -> bytes:
    content = bytearray(gzip.compress(bytes(range(256)) * 100))
    content[20:40] = bytes(20)
    return bytes(content)


@pytest.mark.parametrize("content", [b"weights", gzip.compress(bytes(10_000))[:-20], _spoilt()])
def test_a_file_that_is_no_whole_archive_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "model.tar.gz").write_bytes(content)
    with pytest.raises(UserError, match="cannot be extracted"):
        ServedModel(tmp_path / "model.tar.gz", tmp_path / "model")
