"""What a device computes matrix products in."""

from typing import Literal

import torch

from contract import UserError

MixedPrecision = Literal["no", "fp16", "bf16"]


def choose(fp16: bool | None, bf16: bool | None) -> MixedPrecision:
    """Return what was asked for; where nothing was, the fastest that the device has.

    A GPU has bfloat16 from Ampere on, and float16 before (V100); of the CPUs some have bfloat16.

    Raises:
        UserError: both are asked for, or one that the device does not have.
    """
    gpu = torch.cuda.is_available()
    if fp16 and bf16:
        raise UserError("fp16 and bf16 are both True: leave one of them out, or set it to False")
    if fp16 and not gpu:
        raise UserError("fp16 needs a GPU, and there is none: leave it out, or set it to False")
    if bf16 and not _has_bf16():
        raise UserError(
            f"bf16 needs a GPU from Ampere on, and {torch.cuda.get_device_name()} is older: "
            "leave it out, or set it to False"
            if gpu
            else "bf16 needs a GPU, or a CPU with AVX512-BF16 or AMX, and there is none: "
            "leave it out, or set it to False"
        )
    if bf16 or (bf16 is None and not fp16 and _has_bf16()):
        return "bf16"
    return "fp16" if fp16 or (fp16 is None and gpu) else "no"


def _has_bf16() -> bool:
    if torch.cuda.is_available():
        # PyTorch emulates bfloat16 on older GPUs, which gains nothing.
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    # On other CPUs it is emulated, and slower than float32. PyTorch before 2.6 cannot tell.
    return bool(getattr(torch.cpu, "_is_avx512_bf16_supported", bool)())
