"""What training makes small, and what validation counts."""

import torch
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy


def losses(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Return each row's loss, shape (rows,): cross entropy; of a multi-label task the mean of its labels'."""
    if labels.ndim == 1:
        return cross_entropy(logits.float(), labels, reduction="none")
    return binary_cross_entropy_with_logits(logits.float(), labels, reduction="none").mean(dim=-1)


def right(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Return which rows the model gets right, shape (rows,): of a multi-label task, with all their labels."""
    if labels.ndim == 1:
        return logits.argmax(dim=-1) == labels
    return ((logits > 0) == (labels > 0)).all(dim=-1)
