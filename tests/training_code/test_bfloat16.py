from pathlib import Path

import torch

from base_checkpoint import load
from bfloat16 import ComputingCopy
from hyperparameters import Arguments
from task import SINGLE_LABEL

INPUTS = {"input_ids": torch.tensor([[2, 7, 8, 3]]), "attention_mask": torch.ones(1, 4, dtype=torch.long)}


def test_the_model_gets_the_gradients_that_the_copy_computes(checkpoint: Path) -> None:
    model, _, _ = load(Arguments(max_seq_length=32), checkpoint, ["a", "b"], SINGLE_LABEL)
    model.eval()
    copy = ComputingCopy(model)
    copy.model(**INPUTS).logits.float().sum().backward()
    copy.give_gradients()
    found = {name: one.grad for name, one in model.named_parameters() if one.grad is not None}
    model.zero_grad()
    model(**INPUTS).logits.sum().backward()
    for name, one in model.named_parameters():
        if one.grad is not None:
            assert found[name].dtype == torch.float32
            torch.testing.assert_close(found[name], one.grad, rtol=0.05, atol=0.05)


def test_the_next_gradients_do_not_add_to_the_last(checkpoint: Path) -> None:
    model, _, _ = load(Arguments(max_seq_length=32), checkpoint, ["a", "b"], SINGLE_LABEL)
    model.eval()
    copy, found = ComputingCopy(model), []
    for _ in range(2):
        copy.model(**INPUTS).logits.float().sum().backward()
        copy.give_gradients()
        found.append(model.classifier.weight.grad.clone())
    assert torch.equal(found[0], found[1])


def test_what_a_bfloat16_cannot_hold_is_not_lost(checkpoint: Path) -> None:
    """Steps of a 10,000th of a weight add up, though each alone is rounded away in the copy."""
    model, _, _ = load(Arguments(max_seq_length=32), checkpoint, ["a", "b"], SINGLE_LABEL)
    copy = ComputingCopy(model)
    with torch.no_grad():
        model.classifier.weight.fill_(1.0)
        for _ in range(100):
            model.classifier.weight += 1e-4
            copy.take_weights()
    torch.testing.assert_close(copy.model.classifier.weight.float(), torch.full((2, 32), 1.0078125))
