"""Training in bfloat16: a copy of the model computes, and the weights that learn stay in float32.

Automatic mixed precision converts at every layer, which on a CPU takes longer than the matrix products.
https://arxiv.org/abs/1710.03740 (section 3.1: a master copy of the weights)
"""

import copy

import torch
from transformers import PreTrainedModel


class ComputingCopy:
    """The copy, which gives its gradients to the model and takes the model's weights."""

    def __init__(self, model: PreTrainedModel) -> None:
        """Copy the model where it is."""
        self.model = copy.deepcopy(model).bfloat16()
        self._pairs = [
            (learning, computing)
            for learning, computing in zip(model.parameters(), self.model.parameters(), strict=True)
            if learning.requires_grad
        ]

    @torch.no_grad()
    def give_gradients(self) -> None:
        """Make the copy's gradients those of the model."""
        # A weight that takes no part has none.
        pairs = [pair for pair in self._pairs if pair[1].grad is not None]
        for learning, _ in pairs:
            if learning.grad is None:
                learning.grad = torch.empty_like(learning)
        torch._foreach_copy_([one.grad for one, _ in pairs], [one.grad for _, one in pairs])
        for _, computing in pairs:
            computing.grad = None

    @torch.no_grad()
    def take_weights(self) -> None:
        """Make the model's weights, rounded, those of the copy."""
        torch._foreach_copy_([one for _, one in self._pairs], [one for one, _ in self._pairs])
