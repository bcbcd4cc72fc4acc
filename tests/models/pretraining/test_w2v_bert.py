from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from earshot.core.errors import EarShotError
from earshot.encoders.conformer import Conformer, ConformerConfig
from earshot.layers.gumbel_quantizer import GumbelQuantizerConfig
from earshot.layers.span_mask import SpanMaskConfig
from earshot.models.pretraining.best_rq import BestRqConfig, BestRqForPreTraining
from earshot.models.pretraining.w2v_bert import (
    W2vBertConfig,
    W2vBertForPreTraining,
    encode_hidden,
)
from earshot.objectives.masked_contrastive import draw_distractors

ENCODER = ConformerConfig(
    n_mels=6, dim=16, depth=3, n_heads=2, inner_dim=24, kernel=3, left=6, right=2
)
HEADS = W2vBertConfig(
    contrastive_depth=1,
    quantizer=GumbelQuantizerConfig(n_codes=7, n_codebooks=2, dim=8),
    mask=SpanMaskConfig(0.1, 3),
    hidden="learnt",
    shared_dim=10,
    n_distractors=5,
)


def model(config: W2vBertConfig = HEADS) -> W2vBertForPreTraining:
    torch.manual_seed(0)
    return W2vBertForPreTraining(Conformer(ENCODER), config)


def sounds() -> tuple[torch.Tensor, torch.Tensor]:
    return torch.randn(3, 6, 40, generator=torch.Generator().manual_seed(1)), torch.tensor(
        [40, 31, 22]
    )


def some_mask() -> torch.Tensor:
    masked = torch.rand(3, 20, generator=torch.Generator().manual_seed(2)) < 0.5
    return masked & (torch.arange(20) < torch.tensor([20, 15, 11])[:, None])


def test_the_loss_is_the_sum_of_its_parts() -> None:
    config = replace(HEADS, contrastive_weight=0.7, diversity_weight=0.3, masked_weight=0.5)
    found = model(config).eval()(*sounds(), some_mask())
    parts = 0.7 * found["contrastive"] + 0.3 * found["diversity"] + 0.5 * found["masked"]
    torch.testing.assert_close(found["loss"], parts)


def test_each_part_is_what_the_paper_writes() -> None:
    ours, masked = model().eval(), some_mask()
    distractors = draw_distractors(masked, 5, generator=torch.Generator().manual_seed(3))
    found = ours(*sounds(), masked, distractors)
    features, n_positions = ours.encoder.positions(*sounds())
    states = ours.encoder.encode(features, n_positions, masked)
    books = ours.quantizer(features)
    context, quantized = ours.project_hid(states.hidden[1]), ours.project_q(books.vectors)
    losses, nats, right = [], [], []
    for row, step in masked.nonzero().tolist():
        others = [
            o
            for o in distractors[row, step].tolist()
            if not torch.equal(books.codes[row, o], books.codes[row, step])
        ]
        near = [
            F.cosine_similarity(context[row, step], quantized[row, each], dim=0).item() / 0.1
            for each in (step, *others)
        ]
        losses.append(math.log(sum(map(math.exp, near))) - near[0])
        logits = ours.mlm_head(states.last[row, step]).view(2, 7)
        for book in range(2):
            code = int(books.codes[row, step, book])
            nats.append(-logits[book].log_softmax(0)[code].item())
            right.append(int(logits[book].argmax()) == code)
    assert found["contrastive"].item() == pytest.approx(sum(losses) / len(losses), abs=1e-4)
    assert found["masked"].item() == pytest.approx(sum(nats) / len(nats), abs=1e-5)
    assert found["masked_accuracy"].item() == pytest.approx(sum(right) / len(right))
    real = torch.arange(20) < n_positions[:, None]
    rows = books.probabilities[real].mean(0)  # [books, codes]
    perplexities = torch.special.entr(rows).sum(1).exp()
    assert found["diversity"].item() == pytest.approx(1 - perplexities.sum().item() / 14, abs=1e-5)
    used = F.one_hot(books.codes[real], 7).float().mean(0)
    hard = torch.special.entr(used).sum(1).exp().mean().item()
    assert found["code_perplexity"].item() == pytest.approx(hard, abs=1e-5)


def gradients(config: W2vBertConfig) -> W2vBertForPreTraining:
    ours = model(config).train()
    ours(*sounds(), some_mask())["loss"].backward()
    return ours


def moved(module: torch.nn.Module) -> bool:
    return any(p.grad is not None and bool(p.grad.any()) for p in module.parameters())


def test_blocks_above_the_tap_never_hear_of_the_contrast() -> None:
    blocks = gradients(replace(HEADS, masked_weight=0.0)).encoder.model.encoder.layers
    assert [moved(block) for block in blocks] == [True, False, False]
    blocks = gradients(HEADS).encoder.model.encoder.layers
    assert [moved(block) for block in blocks] == [True, True, True]


def test_targets_pass_a_gradient_where_they_are_choices() -> None:
    alone = replace(HEADS, contrastive_weight=0.0, diversity_weight=0.0)
    assert not moved(gradients(alone).quantizer.weight_proj)
    assert moved(gradients(replace(alone, targets="choice")).quantizer.weight_proj)


@pytest.mark.parametrize("hidden", ["learnt", "random"])
def test_what_is_hidden_is_not_heard(hidden: str) -> None:
    """Where all masked steps change, the states do not; what is to be predicted does."""
    ours, masked = model(replace(HEADS, hidden=hidden)).eval(), some_mask()
    (log_mel, n_frames), frames = sounds(), masked.repeat_interleave(2, 1)[:, None]
    states, losses = [], []
    for each in (log_mel, torch.where(frames, log_mel.flip(1), log_mel)):
        torch.manual_seed(5)
        losses.append(ours(each, n_frames, masked)["masked"])
        torch.manual_seed(5)
        features, n_positions = ours.encoder.positions(each, n_frames)
        states.append(encode_hidden(ours.encoder, features, n_positions, masked, hidden).last)
    assert losses[0] != losses[1]
    real = torch.arange(20) < n_positions[:, None]
    assert torch.equal(states[0][real], states[1][real])


def test_padding_changes_no_loss() -> None:
    ours, masked = model().eval(), some_mask()
    distractors = draw_distractors(masked, 5)
    log_mel, n_frames = sounds()
    one = ours(log_mel, n_frames, masked, distractors)
    for row, n in enumerate(n_frames.tolist()):
        log_mel[row, :, n:] = 7.0
    two = ours(log_mel, n_frames, masked, distractors)
    for name in one:
        torch.testing.assert_close(one[name], two[name], atol=1e-5, rtol=1e-5)


def test_a_mask_is_drawn_and_the_temperature_falls() -> None:
    ours = model().train()
    torch.manual_seed(0)
    one = ours(*sounds())
    torch.manual_seed(0)
    assert torch.equal(ours(*sounds())["loss"], one["loss"])
    assert one["temperature"] == 2.0
    ours.count_update()
    assert ours(*sounds())["temperature"] < 2.0


def test_best_rq_predicts_codes_that_training_does_not_move() -> None:
    torch.manual_seed(0)
    config = BestRqConfig(n_codes=11, code_dim=4, mask=SpanMaskConfig(0.1, 3))
    ours = BestRqForPreTraining(Conformer(ENCODER), config)
    codes, padding = ours.codes(*sounds())
    assert codes.shape == (3, 20, 1)
    assert torch.equal(padding, torch.arange(20) >= torch.tensor([20, 15, 11])[:, None])
    masked = some_mask()
    torch.manual_seed(4)
    found = ours(*sounds(), masked)
    found["loss"].backward()
    assert all(p.grad is not None for p in ours.mlm_head.parameters())
    with torch.no_grad():
        for parameter in ours.parameters():
            parameter.add_(torch.randn_like(parameter))
    assert torch.equal(ours.codes(*sounds())[0], codes)
    used = F.one_hot(codes[~padding][:, 0], 11).float().mean(0)
    assert found["code_perplexity"].item() == pytest.approx(
        torch.special.entr(used).sum().exp().item(), rel=1e-5
    )


def test_best_rq_over_convolved_frames_counts_as_they_do() -> None:
    encoder = Conformer(replace(ENCODER, subsampling="conv", conv_dim=4))
    ours = BestRqForPreTraining(encoder, BestRqConfig(n_codes=11, code_dim=4))
    codes, padding = ours.codes(torch.randn(2, 6, 13), torch.tensor([13, 6]))
    assert codes.shape == (2, 4, 1)
    assert (~padding).sum(1).tolist() == [4, 2]


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(EarShotError, match="at most model.audio.conformer.depth"):
        model(replace(HEADS, contrastive_depth=4))
    with pytest.raises(EarShotError, match="The paper has 1, 0.1 and 1"):
        replace(HEADS, masked_weight=-1.0)
    with pytest.raises(EarShotError, match="every position of the encoder a truth"):
        model()(*sounds(), torch.ones(3, 7, dtype=torch.bool))
