import gzip
import io
import shutil
import sys
import tarfile
from pathlib import Path

import pytest

import inference
from contract import UserError
from served_model import ServedModel
from tests.training_code.conftest import pack

TEXTS = ["영화 정말 좋았어요", "음악 지루해요", "배우 최고예요 ㅋㅋ"]


def test_it_answers_what_the_handlers_answer(classifier: Path, tmp_path: Path) -> None:
    pack(classifier, tmp_path / "model.tar.gz")
    served = ServedModel(tmp_path / "model.tar.gz", tmp_path / "model").predict(TEXTS)
    expected = inference.predict_fn({"inputs": TEXTS}, inference.model_fn(str(classifier)))
    assert [answer.label for answer in served] == [answer["label"] for answer in expected]
    assert [answer.score for answer in served] == pytest.approx([answer["score"] for answer in expected])


def test_each_archive_is_asked_through_its_own_code(classifier: Path, tmp_path: Path) -> None:
    older = tmp_path / "older"
    shutil.copytree(classifier, older)
    code = older / "code"
    (code / "normalisation.py").write_text("def normalise(text): return 'older'\n", encoding="utf-8")
    (code / "inference.py").write_text(
        "import json\nfrom normalisation import normalise\n"
        "def model_fn(model_dir): return None\n"
        "def input_fn(body, content_type): return json.loads(body)\n"
        "def predict_fn(data, model): return [{'label': normalise(t), 'score': 1} for t in data['inputs']]\n"
        "def output_fn(prediction, accept): return json.dumps(prediction)\n",
        encoding="utf-8",
    )
    pack(classifier, tmp_path / "new.tar.gz")
    pack(older, tmp_path / "old.tar.gz")
    new = ServedModel(tmp_path / "new.tar.gz", tmp_path / "a")
    old = ServedModel(tmp_path / "old.tar.gz", tmp_path / "b")
    assert old.predict(TEXTS)[0].label == "older"
    assert new.predict(TEXTS)[0].label in {"negative", "positive"}


def test_an_archives_code_does_not_replace_this_programs_own(classifier: Path, tmp_path: Path) -> None:
    pack(classifier, tmp_path / "model.tar.gz")
    before = sys.modules["normalisation"]
    ServedModel(tmp_path / "model.tar.gz", tmp_path / "model")
    assert sys.modules["normalisation"] is before
    assert str(tmp_path / "model" / "code") not in sys.path


def _member(name: str, link: str = "") -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    if link:
        member.type, member.linkname = tarfile.SYMTYPE, link
    return member


@pytest.mark.parametrize(
    "member", [_member("../escaped"), _member("weights", link="/etc/passwd"), _member("a", link="../../b")]
)
def test_an_archive_that_leads_out_of_its_folder_is_refused(tmp_path: Path, member: tarfile.TarInfo) -> None:
    archive = tmp_path / "model.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.addfile(member, io.BytesIO())
    with pytest.raises(UserError, match=r"model\.tar\.gz cannot be extracted: .*(outside|absolute path)"):
        ServedModel(archive, tmp_path / "model")
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


@pytest.mark.parametrize("content", [b"weights", gzip.compress(bytes(10_000))[:-20]])
def test_a_file_that_is_no_whole_archive_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "model.tar.gz").write_bytes(content)
    with pytest.raises(UserError, match="cannot be extracted"):
        ServedModel(tmp_path / "model.tar.gz", tmp_path / "model")
