import gzip
import io
import json
import shutil
import sys
import tarfile
from pathlib import Path

import pytest

import inference
from contract import UserError, inference_code_dir
from rows import Row
from served_model import Prediction, ServedModel
from task import MULTI_LABEL
from tests.training_code import tiny_model
from tests.training_code.conftest import pack

TEXTS = ["영화 정말 좋았어요", "음악 지루해요", "배우 최고예요 ㅋㅋ"]


def test_it_answers_what_the_handlers_answer(classifier: Path, tmp_path: Path) -> None:
    pack(classifier, tmp_path / "model.tar.gz")
    served = ServedModel(tmp_path / "model.tar.gz", tmp_path / "model").predict(TEXTS)
    request = inference.input_fn(json.dumps({"inputs": TEXTS}), "application/json")
    answer = inference.predict_fn(request, inference.model_fn(str(classifier)))
    expected = json.loads(inference.output_fn(answer, "application/json"))
    assert [answer.labels for answer in served] == [(answer["label"],) for answer in expected]
    assert [answer.score for answer in served] == pytest.approx([answer["score"] for answer in expected])


def _several(folder: Path, archive: Path) -> ServedModel:
    """A model of three labels that go together, with random weights."""
    tiny_model.write_classifier(folder, ["연기", "이야기", "음악"], MULTI_LABEL)
    shutil.copytree(inference_code_dir(), folder / "code", ignore=shutil.ignore_patterns("__pycache__"))
    pack(folder, archive)
    return ServedModel(archive, folder.with_name("extracted"))


def test_a_multi_label_model_gives_each_label_its_probability(tmp_path: Path) -> None:
    served = _several(tmp_path / "several", tmp_path / "model.tar.gz").predict(TEXTS)
    request = {"inputs": TEXTS, "parameters": {"top_k": None}}
    data = inference.input_fn(json.dumps(request), "application/json")
    answer = inference.predict_fn(data, inference.model_fn(str(tmp_path / "several")))
    expected = json.loads(inference.output_fn(answer, "application/json"))
    for one, labels in zip(served, expected, strict=True):
        assert one.scores == pytest.approx({label["label"]: label["score"] for label in labels})


def test_pairs_are_asked_as_pairs(classifier: Path, tmp_path: Path) -> None:
    pack(classifier, tmp_path / "model.tar.gz")
    model = ServedModel(tmp_path / "model.tar.gz", tmp_path / "model")
    alone, pair = model.predict(["영화", {"text": "영화", "text_pair": "최악이에요 ㅠㅠ"}])
    request = inference.input_fn('{"text": "영화", "text_pair": "최악이에요 ㅠㅠ"}', "application/json")
    (expected,) = json.loads(
        inference.output_fn(
            inference.predict_fn(request, inference.model_fn(str(classifier))), "application/json"
        )
    )
    assert pair.scores == pytest.approx({expected["label"]: expected["score"]})
    assert pair.score != pytest.approx(alone.score)


def test_the_answer_of_a_multi_label_model_is_all_labels_from_the_threshold_on() -> None:
    prediction = Prediction({"연기": 0.5, "이야기": 0.49, "음악": 0.9}, multi_label=True)
    assert prediction.labels == ("연기", "음악")


def test_its_probability_is_that_of_what_is_said_of_each_label() -> None:
    prediction = Prediction({"연기": 0.5, "이야기": 0.2, "음악": 0.9}, multi_label=True)
    assert prediction.score == pytest.approx(0.5 * 0.8 * 0.9)


@pytest.mark.parametrize(
    ("labels", "right"),
    [(("음악", "연기"), True), (("연기",), False), (("연기", "이야기", "음악"), False), ((), False)],
)
def test_it_is_right_if_it_has_the_rows_labels_and_no_other(labels: tuple[str, ...], right: bool) -> None:
    prediction = Prediction({"연기": 0.7, "이야기": 0.2, "음악": 0.9}, multi_label=True)
    assert prediction.is_right(Row("봤다", labels, multi_label=True)) is right


def test_rows_of_another_task_are_refused(classifier: Path, tmp_path: Path) -> None:
    pack(classifier, tmp_path / "model.tar.gz")
    model = ServedModel(tmp_path / "model.tar.gz", tmp_path / "model")
    several = [Row("봤다", ("positive",), multi_label=True)]
    with pytest.raises(UserError, match=r"test\.jsonl is for multi_label_.*model\.tar\.gz for single_label_"):
        model.check(several, "test.jsonl")


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
    assert old.predict(TEXTS[:1]) == [Prediction({"older": 1})]
    assert first.predict(TEXTS) == second.predict(TEXTS)
    assert set(first.predict(TEXTS)[0].labels) <= {"negative", "positive"}


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


# Named, as a gzip header holds the time: pytest-xdist wants every worker to collect the same names
# (https://pytest-xdist.readthedocs.io/en/stable/known-limitations.html).
@pytest.mark.parametrize(
    "content",
    [b"weights", gzip.compress(bytes(10_000))[:-20], _spoilt()],
    ids=["no-gzip", "cut-short", "spoilt"],
)
def test_a_file_that_is_no_whole_archive_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "model.tar.gz").write_bytes(content)
    with pytest.raises(UserError, match="cannot be extracted"):
        ServedModel(tmp_path / "model.tar.gz", tmp_path / "model")
