"""ELECTRA's replaced-token detection: a generator fills in masked pieces, the discriminator finds which.

https://arxiv.org/abs/2003.10555. Written out here for packed windows and fixed shapes, which torch.compile
needs; the discriminator's weights have the names of transformers' ElectraForPreTraining, and its arithmetic.
"""

from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import (
    binary_cross_entropy_with_logits,
    cross_entropy,
    gelu,
    scaled_dot_product_attention,
)

from pretraining.tokenizer import CLS, MASK, MAX_LENGTH, PAD, SPECIAL

MASKED = 0.15
DISCRIMINATOR_WEIGHT = 50.0
_FIRST_PIECE = len(SPECIAL)


@dataclass(frozen=True)
class Shape:
    """Sizes of an encoder."""

    vocabulary: int
    embedding: int = 128
    hidden: int = 256
    layers: int = 4
    heads: int = 4
    intermediate: int = 1024
    positions: int = MAX_LENGTH

    def generator(self) -> "Shape":
        """Return the generator's: half as wide, as too good a generator leaves nothing to find."""
        return replace(
            self,
            hidden=self.hidden // 2,
            heads=max(1, self.heads // 2),
            intermediate=self.intermediate // 2,
        )


class Losses(NamedTuple):
    """What a batch gives; scalars."""

    loss: Tensor
    """The sum that is minimised."""
    generator: Tensor
    """Cross-entropy of the masked pieces, nats."""
    discriminator: Tensor
    """Binary cross-entropy of all pieces, nats."""
    right: Tensor
    """Share of the pieces that the discriminator judges rightly."""
    replaced: Tensor
    """Share of the pieces that were replaced: who finds none is right about all others."""
    found: Tensor
    """Share of the replaced pieces that it finds."""


def layout(ids: Tensor) -> tuple[Tensor, Tensor]:
    """Return positions (batch, width) and attention mask (batch, 1, width, width) of packed windows.

    Each text begins with [CLS]; its pieces count from 0 and see that text alone, as when the model serves.
    """
    begins = ids == CLS
    place = torch.arange(ids.shape[1], device=ids.device).expand_as(ids)
    positions = place - torch.where(begins, place, 0).cummax(dim=1).values
    text = begins.cumsum(dim=1).masked_fill(ids == PAD, -1)
    return positions, (text[:, :, None] == text[:, None, :])[:, None]


def choose_masked(ids: Tensor) -> tuple[Tensor, Tensor]:
    """Return places (batch, n) of the pieces to mask, and which of them to count, as booleans.

    There are always n, 15 % of the width; the uncounted ones make up the number in windows with few pieces.
    Special tokens and padding are never counted.
    """
    chance = torch.rand(ids.shape, device=ids.device).masked_fill(ids < _FIRST_PIECE, -1.0)
    chosen = chance.topk(round(MASKED * ids.shape[1]), dim=1)
    return chosen.indices, chosen.values >= 0


class Attention(nn.Module):
    """Multi-head self-attention."""

    def __init__(self, shape: Shape) -> None:
        """Make the weights."""
        super().__init__()
        self.heads = shape.heads
        self.query = nn.Linear(shape.hidden, shape.hidden)
        self.key = nn.Linear(shape.hidden, shape.hidden)
        self.value = nn.Linear(shape.hidden, shape.hidden)

    def forward(self, hidden: Tensor, mask: Tensor) -> Tensor:
        """Return (batch, width, hidden)."""
        query, key, value = (
            linear(hidden).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for linear in (self.query, self.key, self.value)
        )
        mixed = scaled_dot_product_attention(query, key, value, attn_mask=mask)
        return mixed.transpose(1, 2).flatten(-2)


class AddAndNorm(nn.Module):
    """A linear layer whose result is added to another tensor, and normalised."""

    def __init__(self, inner: int, outer: int) -> None:
        """Make the weights."""
        super().__init__()
        self.dense = nn.Linear(inner, outer)
        self.LayerNorm = nn.LayerNorm(outer, eps=1e-12)

    def forward(self, inner: Tensor, outer: Tensor) -> Tensor:
        """Return a tensor of the shape of `outer`."""
        result: Tensor = self.LayerNorm(outer + self.dense(inner))
        return result


class Layer(nn.Module):
    """Attention and feed-forward, each added to its input and normalised."""

    def __init__(self, shape: Shape) -> None:
        """Make the weights."""
        super().__init__()
        self.attention = nn.ModuleDict(
            {"self": Attention(shape), "output": AddAndNorm(shape.hidden, shape.hidden)}
        )
        self.intermediate = nn.ModuleDict({"dense": nn.Linear(shape.hidden, shape.intermediate)})
        self.output = AddAndNorm(shape.intermediate, shape.hidden)

    def forward(self, hidden: Tensor, mask: Tensor) -> Tensor:
        """Return (batch, width, hidden)."""
        mixed = self.attention["self"](hidden, mask)
        hidden = self.attention["output"](mixed, hidden)
        wide = gelu(self.intermediate["dense"](hidden))
        result: Tensor = self.output(wide, hidden)
        return result


class Layers(nn.Module):
    """One layer after another."""

    def __init__(self, shape: Shape) -> None:
        """Make the weights."""
        super().__init__()
        self.layer = nn.ModuleList(Layer(shape) for _ in range(shape.layers))

    def forward(self, hidden: Tensor, mask: Tensor) -> Tensor:
        """Return (batch, width, hidden)."""
        for layer in self.layer:
            hidden = layer(hidden, mask)
        return hidden


class Embeddings(nn.Module):
    """A vector for each piece and its position."""

    def __init__(self, shape: Shape) -> None:
        """Make the weights."""
        super().__init__()
        self.word_embeddings = nn.Embedding(shape.vocabulary, shape.embedding, padding_idx=PAD)
        self.position_embeddings = nn.Embedding(shape.positions, shape.embedding)
        # Fine-tuning on pairs of texts needs the second; all is the first here.
        self.token_type_embeddings = nn.Embedding(2, shape.embedding)
        self.LayerNorm = nn.LayerNorm(shape.embedding, eps=1e-12)

    def forward(self, ids: Tensor, positions: Tensor) -> Tensor:
        """Return (batch, width, embedding)."""
        summed = (
            self.word_embeddings(ids)
            + self.position_embeddings(positions)
            + self.token_type_embeddings.weight[0]
        )
        result: Tensor = self.LayerNorm(summed)
        return result


class Encoder(nn.Module):
    """transformers' ElectraModel, by the names of its weights."""

    def __init__(self, shape: Shape, embeddings: Embeddings) -> None:
        """Make the weights, but for those of the embeddings."""
        super().__init__()
        self.embeddings = embeddings
        # transformers has no projection where there is nothing to project.
        self.embeddings_project: nn.Module = nn.Identity()
        if shape.embedding != shape.hidden:
            self.embeddings_project = nn.Linear(shape.embedding, shape.hidden)
        self.encoder = Layers(shape)

    def forward(self, ids: Tensor, positions: Tensor, mask: Tensor) -> Tensor:
        """Return (batch, width, hidden)."""
        hidden: Tensor = self.encoder(self.embeddings_project(self.embeddings(ids, positions)), mask)
        return hidden


class Generator(nn.Module):
    """Fills in masked pieces, with the word embeddings as its last layer."""

    def __init__(self, shape: Shape, embeddings: Embeddings) -> None:
        """Make the weights, but for those of the embeddings."""
        super().__init__()
        self.electra = Encoder(shape, embeddings)
        self.dense = nn.Linear(shape.hidden, shape.embedding)
        self.LayerNorm = nn.LayerNorm(shape.embedding, eps=1e-12)
        self.bias = nn.Parameter(torch.zeros(shape.vocabulary))

    def forward(self, ids: Tensor, positions: Tensor, mask: Tensor, places: Tensor) -> Tensor:
        """Return logits (batch, n, vocabulary) for the pieces at `places` (batch, n)."""
        hidden = self.electra(ids, positions, mask)
        chosen = hidden.gather(1, places[:, :, None].expand(-1, -1, hidden.shape[-1]))
        vectors = self.LayerNorm(gelu(self.dense(chosen)))
        return nn.functional.linear(vectors, self.electra.embeddings.word_embeddings.weight, self.bias)


class Discriminator(nn.Module):
    """transformers' ElectraForPreTraining, by the names of its weights."""

    def __init__(self, shape: Shape, embeddings: Embeddings) -> None:
        """Make the weights, but for those of the embeddings."""
        super().__init__()
        self.electra = Encoder(shape, embeddings)
        self.discriminator_predictions = nn.ModuleDict(
            {
                "dense": nn.Linear(shape.hidden, shape.hidden),
                "dense_prediction": nn.Linear(shape.hidden, 1),
            }
        )

    def forward(self, ids: Tensor, positions: Tensor, mask: Tensor) -> Tensor:
        """Return logits (batch, width): above 0 where a piece looks replaced."""
        head = self.discriminator_predictions
        vectors = gelu(head["dense"](self.electra(ids, positions, mask)))
        logits: Tensor = head["dense_prediction"](vectors)
        return logits.squeeze(-1)


class Electra(nn.Module):
    """Generator and discriminator, which share their embeddings."""

    def __init__(self, shape: Shape) -> None:
        """Make the weights, as transformers does: normal with a deviation of 0.02, biases 0."""
        super().__init__()
        embeddings = Embeddings(shape)
        self.generator = Generator(shape.generator(), embeddings)
        self.discriminator = Discriminator(shape, embeddings)
        for module in self.modules():
            if isinstance(module, nn.Linear | nn.Embedding):
                nn.init.normal_(module.weight, std=0.02)
            if isinstance(module, nn.Linear):
                nn.init.zeros_(module.bias)
        with torch.no_grad():
            embeddings.word_embeddings.weight[PAD] = 0

    def forward(self, ids: Tensor) -> Losses:
        """Return the losses of a batch of packed windows (batch, width), with fresh masks and fillings."""
        positions, mask = layout(ids)
        places, counted = choose_masked(ids)
        original = ids.gather(1, places)
        masked = ids.scatter(1, places, torch.where(counted, MASK, original))

        logits = self.generator(masked, positions, mask, places).float()
        each = cross_entropy(logits.flatten(0, 1), original.flatten(), reduction="none")
        filling = (each * counted.flatten()).sum() / counted.sum().clamp(min=1)

        with torch.no_grad():
            # Gumbel noise makes the largest logit a sample of their softmax.
            noise = -torch.log(-torch.log(torch.rand_like(logits)))
            sampled = torch.where(counted, (logits + noise).argmax(-1), original)
            filled = ids.scatter(1, places, sampled)
            replaced = (filled != ids).float()
            real = (ids != PAD).float()

        judged = self.discriminator(filled, positions, mask).float()
        each = binary_cross_entropy_with_logits(judged, replaced, reduction="none")
        finding = (each * real).sum() / real.sum()

        with torch.no_grad():
            right = ((judged > 0).float() == replaced).float() * real
            found = (right * replaced).sum() / replaced.sum().clamp(min=1)
        return Losses(
            loss=filling + DISCRIMINATOR_WEIGHT * finding,
            generator=filling.detach(),
            discriminator=finding.detach(),
            right=right.sum() / real.sum(),
            replaced=replaced.sum() / real.sum(),
            found=found,
        )
