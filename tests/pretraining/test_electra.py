import pytest
import torch
from torch import Tensor

from pretraining.electra import Electra, Shape, choose_masked, layout
from pretraining.tokenizer import CLS, PAD, SEP, UNK


@pytest.fixture
def ids() -> Tensor:
    return torch.tensor([[CLS, 7, 8, SEP, CLS, 9, SEP, PAD]])


def test_positions_begin_anew_with_each_text(ids: Tensor) -> None:
    positions, _ = layout(ids)
    assert positions[0, :7].tolist() == [0, 1, 2, 3, 0, 1, 2]


def test_a_text_sees_itself_alone(ids: Tensor) -> None:
    _, mask = layout(ids)
    assert mask[0, 0, 1].tolist() == [True] * 4 + [False] * 4
    assert mask[0, 0, 5].tolist() == [False] * 4 + [True] * 3 + [False]


def test_what_stands_beside_a_text_changes_nothing_for_it(small: Shape) -> None:
    model = Electra(small).eval().discriminator
    text, other = [CLS, 7, 8, SEP], [CLS, 20, 21, 22, SEP]
    alone, packed = torch.tensor([[*text, PAD]]), torch.tensor([[*other, *text]])
    with torch.inference_mode():
        first, second = (model(ids, *layout(ids))[0] for ids in (alone, packed))
    torch.testing.assert_close(first[:4], second[5:])


def test_fifteen_percent_of_a_window_are_masked() -> None:
    places, counted = choose_masked(torch.full((3, 256), 9))
    assert places.shape == (3, 38)
    assert counted.all()


def test_no_special_token_is_masked(ids: Tensor) -> None:
    ids = torch.cat([ids, torch.tensor([[UNK] * 20])], dim=1)
    chosen = set()
    for _ in range(50):
        places, counted = choose_masked(ids)
        chosen |= set(ids[0, places[counted]].tolist())
    assert chosen == {7, 8, 9}


def test_masks_differ_from_time_to_time() -> None:
    ids = torch.full((1, 256), 9)
    assert choose_masked(ids)[0].tolist() != choose_masked(ids)[0].tolist()


def test_generator_and_discriminator_share_their_embeddings(small: Shape) -> None:
    model = Electra(small)
    assert model.generator.electra.embeddings is model.discriminator.electra.embeddings


def test_who_knows_nothing_yet_has_the_losses_of_chance(small: Shape) -> None:
    torch.manual_seed(1)
    ids = torch.randint(5, small.vocabulary, (8, 256))
    losses = Electra(small)(ids)
    assert losses.generator.item() == pytest.approx(torch.tensor(small.vocabulary).log().item(), rel=0.02)
    assert losses.discriminator.item() == pytest.approx(torch.tensor(2.0).log().item(), rel=0.05)
    assert losses.replaced.item() == pytest.approx(38 / 256, rel=0.01)
    assert losses.loss.item() == pytest.approx(
        losses.generator.item() + 50 * losses.discriminator.item(), rel=1e-5
    )


def test_padding_counts_for_nothing(small: Shape) -> None:
    model = Electra(small)
    ids = torch.tensor([[CLS, *range(7, 21), SEP]])
    padded = torch.cat([ids, torch.full((1, 240), PAD)], dim=1)
    replaced = [model(padded).replaced.item() for _ in range(20)]
    # All 14 pieces are masked, of 16 that are no padding.
    assert 0 < max(replaced) <= 14 / 16
