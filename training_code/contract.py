"""What SageMaker promises a job, and what it expects back: folders in, folders out, a reason on failure.

https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo.html
https://docs.aws.amazon.com/sagemaker/latest/dg/build-your-own-processing-container.html
"""

import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Literal

# SageMaker returns this much of a reason, and no more.
_REASON_BYTES = 1024


class UserError(Exception):
    """What the person who started the job can mend: the data, an argument, a channel.

    The message says what is wrong, where, and how to mend it; no traceback is shown with it.
    """


def base_dir() -> Path:
    """Return the folder of the job: /opt/ml, unless the training toolkit's own variable names another."""
    return Path(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml"))


def processing_dir(name: str) -> Path:
    """Return a folder of a processing job, such as `input/test` or `output/train`."""
    return base_dir() / "processing" / name


def inference_code_dir() -> Path:
    """Return the folder that goes into every model archive as `code/`.

    It lies in this folder inside a job's code archive, and beside it in the repository.
    """
    here = Path(__file__).resolve().parent
    for folder in (here / "inference_code", here.parent / "inference_code"):
        if (folder / "inference.py").is_file():
            return folder
    raise FileNotFoundError(f"inference_code/ lies neither in {here} nor beside it: pack it with the scripts")


def run(main: Callable[[], None], reason_file: Literal["failure", "message"]) -> None:
    """Run a script; if it fails, leave the reason where SageMaker looks for it, and exit with status 1.

    `failure` becomes a training job's FailureReason (the training toolkit keeps a file that is there
    already), `message` a processing job's ExitMessage.
    """
    try:
        main()
    except UserError as error:
        reason = str(error)
        print(f"error: {reason}", file=sys.stderr, flush=True)
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        traceback.print_exc()
    else:
        return
    path = base_dir() / "output" / reason_file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(reason.encode("utf-8")[:_REASON_BYTES].decode("utf-8", "ignore").encode("utf-8"))
    sys.exit(1)


# prepare.py normalises with the very module that the model is served with.
sys.path.append(str(inference_code_dir()))
