"""PyTorch as the runtime: every model there is, on a CPU in float32, on a GPU in float16."""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import AutoConfig, AutoModelForSequenceClassification, PreTrainedModel


class TorchRuntime:
    """A model of transformers."""

    def __init__(self, model: PreTrainedModel) -> None:
        """Move the model to the GPU, if there is one."""
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.model = model.to(self._device).eval()
        # Where a model has one type only, or none (DistilBERT), it needs none to be told.
        types = {"token_type_ids"} if getattr(model.config, "type_vocab_size", 1) > 1 else set()
        self.input_names = frozenset({"input_ids", "attention_mask"} | types)
        # A GPU wants to be filled, a CPU to stay in its caches.
        self.batch_tokens = 16_384 if self._device.type == "cuda" else 512
        self.at_once = 1  # it has threads of its own

    def logits(self, inputs: dict[str, NDArray[np.int64]]) -> NDArray[np.float32]:
        """Return (batch, labels) of arrays (batch, tokens)."""
        with torch.inference_mode():
            given = {name: torch.from_numpy(array).to(self._device) for name, array in inputs.items()}
            logits: NDArray[np.float32] = self.model(**given).logits.float().cpu().numpy()
        return logits


def load(model_dir: Path) -> TorchRuntime:
    """Load the weights in `model_dir`: those of train.py, or those of optimise.py made floats again.

    Nothing is fetched from the Hub, and nothing is unpickled.

    Raises:
        OSError: there are no such weights, or they are not all that the model has.
    """
    dtype = torch.float16 if torch.cuda.is_available() else torch.float32
    source = {"local_files_only": True, "trust_remote_code": False}
    optimised = model_dir / "weights.safetensors"
    if optimised.is_file():
        import weights

        config = AutoConfig.from_pretrained(model_dir, **source)
        model = AutoModelForSequenceClassification.from_config(config, trust_remote_code=False)
        missing = model.load_state_dict(weights.read(optimised), strict=False).missing_keys
        model = model.to(dtype)
    elif any(model_dir.glob("model*.safetensors")):
        model, info = AutoModelForSequenceClassification.from_pretrained(
            model_dir, **source, use_safetensors=True, torch_dtype=dtype, output_loading_info=True
        )
        missing = info["missing_keys"]
    else:
        raise FileNotFoundError(
            f"{model_dir} has no model.safetensors; other formats are not read, as unpickling runs code: "
            "save the model with safetensors"
        )
    if missing:
        raise OSError(f"the weights in {model_dir} lack {', '.join(sorted(missing))}")
    return TorchRuntime(model)
