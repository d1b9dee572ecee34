"""A model archive, asked through the handlers that it is served with: what is measured is what is served."""

import importlib
import json
import sys
import tarfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from types import ModuleType
from typing import Any

from contract import UserError

_JSON = "application/json"


@dataclass(frozen=True)
class Prediction:
    """The likeliest label of a text, and its probability."""

    label: str
    score: float


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
        names = json.loads((folder / "config.json").read_text(encoding="utf-8"))["id2label"]
        self.labels: list[str] = [names[key] for key in sorted(names, key=int)]
        """The labels' names, by id."""
        self._handlers, self._model = _load(folder / "code", folder)

    def predict(self, texts: Sequence[str]) -> list[Prediction]:
        """Answer one request for these texts, as the endpoint would."""
        body = json.dumps({"inputs": list(texts)}, ensure_ascii=False)
        data = self._handlers.input_fn(body, _JSON)
        answer = self._handlers.output_fn(self._handlers.predict_fn(data, self._model), _JSON)
        predictions: list[dict[str, Any]] = json.loads(answer)
        return [Prediction(**prediction) for prediction in predictions]


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
