from __future__ import annotations

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from transformers import Wav2Vec2Config, Wav2Vec2ForPreTraining
from transformers.models.wav2vec2.modeling_wav2vec2 import _sample_negative_indices

from earshot.core.errors import EarShotError
from earshot.objectives.masked_contrastive import (
    MaskedContrastive,
    code_perplexity,
    diversity_loss,
    draw_distractors,
    like_rows,
)


def some(seed: int, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def some_mask(seed: int, batch: int, positions: int) -> Tensor:
    masked = some(seed + 1_000, batch, positions) > 0
    masked[:, :2] = True
    return masked


@settings(deadline=None, derandomize=True, max_examples=30)
@given(seed=st.integers(0, 999), n=st.integers(1, 6), n_codes=st.integers(1, 6))
def test_it_is_the_equation_step_by_step(seed: int, n: int, n_codes: int) -> None:
    masked = some_mask(seed, 2, 7)
    table, context = some(seed, n_codes, 5), some(seed + 1, 2, 7, 5)
    codes = torch.randint(n_codes, (2, 7), generator=torch.Generator().manual_seed(seed))
    distractors = draw_distractors(masked, n, generator=torch.Generator().manual_seed(seed))
    found = MaskedContrastive(n, 0.3)(
        context, table[codes], masked, codes=codes, distractors=distractors
    )
    losses, told = [], []
    for row, step in masked.nonzero().tolist():
        others = [o for o in distractors[row, step].tolist() if codes[row, o] != codes[row, step]]
        near = [
            float(F.cosine_similarity(context[row, step], table[codes[row, each]], dim=0)) / 0.3
            for each in [step, *others]
        ]
        losses.append(math.log(sum(map(math.exp, near))) - near[0])
        told.append(bool(others) and near[0] > max(near[1:]))
    assert found.loss.item() == pytest.approx(np.mean(losses), abs=1e-5)
    assert found.accuracy.item() == pytest.approx(np.mean(told), abs=1e-6)
    compared = MaskedContrastive(n, 0.3)(context, table[codes], masked, distractors=distractors)
    assert compared.loss.item() == pytest.approx(found.loss.item(), abs=1e-6)


def test_a_run_that_knows_nothing_starts_at_the_logarithm_of_its_choices() -> None:
    context = torch.zeros(2, 40, 8)  # nearest to none
    masked = torch.ones(2, 40, dtype=torch.bool)
    found = MaskedContrastive(100)(context, some(0, 2, 40, 8), masked)
    assert found.loss.item() == pytest.approx(math.log(101), abs=1e-5)
    assert found.accuracy == 0


def test_a_collapsed_codebook_tells_nothing_and_costs_nothing() -> None:
    context, one = some(0, 1, 9, 4).requires_grad_(), some(1, 4).expand(1, 9, 4)
    masked = some_mask(0, 1, 9)
    found = MaskedContrastive(5)(context, one, masked)
    assert (found.loss.item(), found.accuracy.item()) == (0.0, 0.0)
    found.loss.backward()
    assert context.grad is not None
    assert torch.equal(context.grad, torch.zeros_like(context))


def test_a_row_with_one_masked_step_counts_for_nothing() -> None:
    masked = torch.zeros(2, 6, dtype=torch.bool)
    masked[0, 3] = True
    masked[1, :4] = True
    context, vectors = some(0, 2, 6, 4), some(1, 2, 6, 4)
    where = torch.tensor([1, 0, 0, 0]).view(1, 4, 1)
    distractors = torch.zeros(2, 6, 1, dtype=torch.int64)
    distractors[0], distractors[1, :4] = 3, where[0]
    found = MaskedContrastive(1)(context, vectors, masked, distractors=distractors)
    alone = MaskedContrastive(1)(context[1:], vectors[1:], masked[1:], distractors=distractors[1:])
    assert found.loss.item() == pytest.approx(alone.loss.item() * 4 / 5, abs=1e-6)


def test_what_is_not_masked_is_never_looked_at() -> None:
    context, vectors, masked = some(0, 3, 12, 4), some(1, 3, 12, 4), some_mask(2, 3, 12)
    distractors = draw_distractors(masked, 7)
    objective = MaskedContrastive(7)
    found = objective(context, vectors, masked, distractors=distractors)
    context[~masked], vectors[~masked] = 7.0, -3.0
    again = objective(context, vectors, masked, distractors=distractors)
    assert torch.equal(found.loss, again.loss)


def test_distractors_are_other_masked_steps_each_as_often() -> None:
    masked = torch.tensor([[0, 1, 1, 0, 1, 1, 0], [1, 0, 0, 0, 0, 0, 1]]).bool()
    drawn = draw_distractors(masked, 9_000, generator=torch.Generator().manual_seed(0))
    for row, step in masked.nonzero().tolist():
        counts = drawn[row, step].bincount(minlength=7)
        others = masked[row].clone()
        others[step] = False
        assert torch.equal(counts > 0, others)
        wanted = 9_000 / int(others.sum())
        assert counts[others].float().sub(wanted).abs().max() < 0.06 * wanted


def test_parity_with_transformers_pre_training() -> None:
    """The loss of Wav2Vec2ForPreTraining on its own features, masks and negatives."""
    torch.manual_seed(0)
    np.random.seed(0)
    library = Wav2Vec2ForPreTraining(
        Wav2Vec2Config(
            hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=24,
            conv_dim=(12, 12), conv_stride=(4, 2), conv_kernel=(8, 3), num_feat_extract_layers=2,
            num_conv_pos_embeddings=8, num_conv_pos_embedding_groups=2, codevector_dim=8,
            proj_codevector_dim=8, num_codevectors_per_group=3, num_codevector_groups=2,
            num_negatives=10, diversity_loss_weight=0.1, apply_spec_augment=True,
        )
    ).eval()  # fmt: skip
    waveform = torch.randn(2, 400)
    n = int(library._get_feat_extract_output_lengths(torch.tensor(400)))
    masked = some_mask(0, 2, n)
    negatives = _sample_negative_indices((2, n), 10, masked.numpy())
    with torch.no_grad():
        theirs = library(
            waveform,
            mask_time_indices=masked,
            sampled_negative_indices=torch.from_numpy(negatives),
        )
    vectors = theirs.projected_quantized_states
    assert len(like_rows(vectors).unique()) < 2 * n  # some steps share their codes
    distractors = torch.from_numpy(negatives).long() - torch.arange(2)[:, None, None] * n
    found = MaskedContrastive(10, 0.1)(
        theirs.projected_states, vectors, masked, distractors=distractors.clamp(0, n - 1)
    )
    count = masked.sum()
    assert (found.loss * count).item() == pytest.approx(theirs.contrastive_loss.item(), rel=1e-5)
    with torch.no_grad():
        features = library.wav2vec2(waveform).extract_features
        quantizer = library.quantizer
        codes = quantizer.weight_proj(features).view(2, n, 2, 3).argmax(-1)
    hard = F.one_hot(codes, 3)
    assert code_perplexity(hard, masked).sum().item() == pytest.approx(
        theirs.codevector_perplexity.item(), rel=1e-5
    )
    diversity = diversity_loss(hard, masked)
    assert (diversity * count).item() == pytest.approx(theirs.diversity_loss.item(), rel=1e-5)
    whole = (found.loss + 0.1 * diversity) * count
    assert whole.item() == pytest.approx(theirs.loss.item(), rel=1e-5)


@settings(deadline=None, derandomize=True, max_examples=20)
@given(used=st.integers(1, 8), idle=st.integers(0, 5), books=st.integers(1, 3))
def test_perplexity_counts_the_codes_in_even_use(used: int, idle: int, books: int) -> None:
    hard = F.one_hot(torch.arange(used), used + idle).float()  # [used, codes]
    rows = hard[:, None].expand(-1, books, -1)
    torch.testing.assert_close(code_perplexity(rows), torch.full((books,), float(used)))
    assert diversity_loss(rows).item() == pytest.approx(idle / (used + idle), abs=1e-6)
    padded = torch.cat([rows, rows[:1].expand(9, -1, -1)])
    real = torch.arange(used + 9) < used
    torch.testing.assert_close(code_perplexity(padded, real), code_perplexity(rows))


def test_what_cannot_be_told_is_refused() -> None:
    objective = MaskedContrastive(3)
    rows, masked = torch.zeros(2, 5, 4), torch.ones(2, 5, dtype=torch.bool)
    with pytest.raises(EarShotError, match="least number of spans"):
        objective(rows, rows, ~masked)
    with pytest.raises(EarShotError, match="Project both to one dim"):
        objective(rows, rows[..., :2], masked)
    with pytest.raises(EarShotError, match="every step a truth"):
        objective(rows, rows, masked[:, :3])
    with pytest.raises(EarShotError, match="100 and 0.1"):
        MaskedContrastive(0)
    with pytest.raises(EarShotError, match="100 and 0.1"):
        MaskedContrastive(3, 0.0)
