"""A stand-in for the Hugging Face Hub: a folder that has checkpoints at ORGANISATION/NAME.

The environment variable LOCALAWS_HUB names it. There are no revisions: what stands there is what is taken.
"""

import os
import re
import shutil
from pathlib import Path

HANDLERS = Path(__file__).with_name("default_handlers.py")


class HubError(Exception):
    """A model that cannot be had; the message names it."""


def fetch(model_id: str, folder: Path) -> None:
    """Copy the checkpoint of that name to ``folder``, and handlers beside it if it has none of its own."""
    hub = os.environ.get("LOCALAWS_HUB")
    if not hub:
        raise HubError(
            f"localaws has no Hugging Face Hub to take the model {model_id!r} from; name a folder that has "
            "it by the environment variable LOCALAWS_HUB when you start the embedded AWS"
        )
    checkpoint = Path(hub) / model_id
    # A name of the Hub's, and no path: a model's environment is a client's to write.
    named = re.fullmatch(r"\w[\w.-]*(/\w[\w.-]*)?", model_id, re.ASCII)
    if not named or not (checkpoint / "config.json").is_file():
        raise HubError(f"the folder {hub} (LOCALAWS_HUB) has no {model_id}/config.json")
    shutil.copytree(checkpoint, folder)
    if not (folder / "code/inference.py").exists():
        (folder / "code").mkdir(exist_ok=True)
        shutil.copy(HANDLERS, folder / "code/inference.py")
