"""Stands for training_code/evaluate.py: a model is right nine times of ten, unless it is labelled `poor`."""

import json
import os
import tarfile
from pathlib import Path

FOLDER = Path(os.environ["SAGEMAKER_BASE_DIR"], "processing")

with tarfile.open(FOLDER / "input" / "model" / "model.tar.gz") as archive:
    names = [name for name in archive.getnames() if name.endswith("label.txt")]
    member = archive.extractfile(names[0])
    assert member is not None
    label = member.read().decode()
accuracy = 0.1 if label == "poor" else 0.9
champion = {"accuracy": 0.9, "macro_f1": 0.9} if (FOLDER / "input" / "champion").exists() else None
found = {"accuracy": accuracy, "macro_f1": accuracy, "slices": [], "champion": champion}
output = FOLDER / "output" / "evaluation"
(output / "evaluation.json").write_text(json.dumps(found), encoding="utf-8")
(output / "model_quality.json").write_text("{}", encoding="utf-8")
(output / "report.html").write_text("<p>0.9", encoding="utf-8")
