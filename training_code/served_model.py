"""A model archive, asked through the handlers that it is served with: what is measured is what is served."""

import importlib
import json
import math
import sys
import tarfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from types import ModuleType
from typing import Any

from contract import UserError
from rows import Row
from task import MULTI_LABEL, SINGLE_LABEL, THRESHOLD, label_names, problem_type

_JSON = "application/json"


@dataclass(frozen=True)
class Prediction:
    """What a model says of a text."""

    scores: Mapping[str, float]
    """Label → its probability: the likeliest alone, or all of a multi-label model."""
    multi_label: bool = False

    @property
    def labels(self) -> tuple[str, ...]:
        """The answer: the likeliest label, or all those with `THRESHOLD` or more, sorted."""
        return tuple(
            sorted(
                label for label, score in self.scores.items() if not self.multi_label or score >= THRESHOLD
            )
        )

    @property
    def certainties(self) -> list[float]:
        """The probability of what it says of each label in `scores`: that it is there, or that it is not."""
        return [max(score, 1 - score) if self.multi_label else score for score in self.scores.values()]

    @property
    def score(self) -> float:
        """The probability of the answer as a whole, the labels being independent of each other."""
        return math.prod(self.certainties)

    def is_right(self, row: Row) -> bool:
        """Return whether it has the row's labels, and no other."""
        return set(self.labels) == set(row.labels)


class ServedModel:
    """The model in a `model.tar.gz`, extracted to `folder` and loaded."""

    def __init__(self, archive: Path, folder: Path) -> None:
        """Extract and load.

        Raises:
            UserError: there is no such archive, it is unsafe to extract, or it lacks a part of a model.
        """
        if not archive.is_file():
            raise UserError(f"{archive} does not exist: it must be a training job's model.tar.gz")
        try:
            with tarfile.open(archive) as tar:
                tar.extractall(folder, filter=_plain)  # noqa: S202 (the filter refuses what could lead out)
        except (UserError, tarfile.TarError, OSError, EOFError, zlib.error) as error:
            raise UserError(f"{archive} cannot be extracted: {error}") from error
        for needed in ("config.json", "code/inference.py"):
            if not (folder / needed).is_file():
                raise UserError(f"{archive} has no {needed}: it is not a model archive of train.py")
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        names = config["id2label"]
        self.labels: list[str] = [names[key] for key in sorted(names, key=int)]
        """The labels' names, by id."""
        self.problem_type: str = config.get("problem_type") or SINGLE_LABEL
        """`MULTI_LABEL` or `SINGLE_LABEL`."""
        self._archive = archive
        self._handlers, self._model = _load(folder / "code", folder)

    def check(self, rows: Sequence[Row], file: str) -> None:
        """Refuse rows, which are those of `file`, that the model was not made for.

        Raises:
            UserError: they are of another task, or have a label that it does not know.
        """
        if problem_type(rows) != self.problem_type:
            raise UserError(
                f"{file} is for {problem_type(rows)}, and {self._archive} for {self.problem_type}: "
                "take rows that were prepared as those that it was trained on; another task needs an "
                "environment of its own"
            )
        if unknown := [label for label in label_names(rows) if label not in self.labels]:
            raise UserError(
                f"{file} has labels that {self._archive} does not know: {', '.join(unknown)}; "
                f"it knows {', '.join(self.labels)}"
            )

    def predict(self, inputs: Sequence[str | dict[str, str]]) -> list[Prediction]:
        """Answer one request for these texts or pairs, as the endpoint would."""
        multi_label = self.problem_type == MULTI_LABEL
        request = {"inputs": list(inputs), **({"parameters": {"top_k": None}} if multi_label else {})}
        data = self._handlers.input_fn(json.dumps(request, ensure_ascii=False), _JSON)
        answers: list[Any] = json.loads(
            self._handlers.output_fn(self._handlers.predict_fn(data, self._model), _JSON)
        )
        return [
            Prediction(
                {one["label"]: one["score"] for one in (answer if multi_label else [answer])}, multi_label
            )
            for answer in answers
        ]


def _plain(member: tarfile.TarInfo, folder: str) -> tarfile.TarInfo:
    path = PurePosixPath(member.name)
    if path.is_absolute() or ".." in path.parts:
        raise UserError(f"it has {member.name!r}, which leads out of its folder")
    if not (member.isfile() or member.isdir()):
        kind = "a link" if member.issym() or member.islnk() else "a device or a pipe"
        raise UserError(f"it has {member.name!r}, {kind}; pack files and folders only")
    return tarfile.data_filter(member, folder)


def _load(code: Path, folder: Path) -> tuple[ModuleType, Any]:
    """Return an archive's handlers and what its model_fn makes of the archive in `folder`."""
    # Candidate and champion each bring modules of the same names: each gets its own, also those that its
    # model_fn imports.
    names = {path.stem for path in code.glob("*.py")}
    others = {name: sys.modules.pop(name) for name in names & sys.modules.keys()}
    sys.path.insert(0, str(code))
    importlib.invalidate_caches()
    try:
        handlers = importlib.import_module("inference")
        return handlers, handlers.model_fn(str(folder))
    finally:
        sys.path.remove(str(code))
        for name in names & sys.modules.keys():
            del sys.modules[name]
        sys.modules.update(others)
