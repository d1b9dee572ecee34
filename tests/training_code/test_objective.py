import pytest
import torch

from objective import losses, right


def test_the_loss_of_one_label_is_the_cross_entropy() -> None:
    logits = torch.tensor([[2.0, 0.0], [0.0, 0.0]])
    assert losses(logits, torch.tensor([0, 1])).tolist() == pytest.approx([0.126928, 0.693147], abs=1e-5)


def test_the_loss_of_several_labels_is_the_mean_of_theirs() -> None:
    found = losses(torch.tensor([[0.0, 2.0]]), torch.tensor([[1.0, 1.0]]))
    assert found.tolist() == pytest.approx([(0.693147 + 0.126928) / 2], abs=1e-5)


def test_one_label_is_right_where_it_is_the_likeliest() -> None:
    logits = torch.tensor([[2.0, 0.0], [2.0, 0.0]])
    assert right(logits, torch.tensor([0, 1])).tolist() == [True, False]


def test_several_labels_are_right_together() -> None:
    logits = torch.tensor([[2.0, -1.0], [2.0, 1.0]])
    assert right(logits, torch.tensor([[1.0, 0.0], [1.0, 0.0]])).tolist() == [True, False]
