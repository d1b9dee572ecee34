"""Stands for training_code/train.py: a model that answers with what `--label` says."""

import os
import shutil
import sys
from pathlib import Path

model = Path(os.environ["SM_MODEL_DIR"])
(model / "code").mkdir()
shutil.copy(Path(__file__).with_name("inference.py"), model / "code")
(model / "label.txt").write_text(sys.argv[sys.argv.index("--label") + 1], encoding="utf-8")
