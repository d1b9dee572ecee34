"""Stands for training_code/optimise.py: a variant that loses nothing."""

import json
import os
import shutil
from pathlib import Path

FOLDER = Path(os.environ["SAGEMAKER_BASE_DIR"], "processing")

shutil.copy(FOLDER / "input" / "model" / "model.tar.gz", FOLDER / "output" / "model")
found = {"exported": True, "reason": None, "rows": 1, "accuracy": 0.9}
found |= {"optimised_accuracy": 0.9, "accuracy_drop": 0.0}
(FOLDER / "output" / "optimisation" / "optimisation.json").write_text(json.dumps(found), encoding="utf-8")
