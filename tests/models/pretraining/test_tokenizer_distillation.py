from __future__ import annotations

import pytest
import torch

from earshot.core.errors import EarShotError
from earshot.encoders.beats import BeatsConfig, BeatsEncoder
from earshot.encoders.beats_tokenizer import BeatsTokenizer, BeatsTokenizerConfig
from earshot.layers.deepnorm_transformer import DeepNormConfig
from earshot.layers.ema_codebook import EmaCodebookConfig
from earshot.models.pretraining.tokenizer_distillation import TokenizerDistillation
from published import shake

TINY = BeatsConfig(
    n_mels=8, patch=4, embed_dim=8,
    transformer=DeepNormConfig(
        dim=16, depth=2, n_heads=2, mlp_dim=32, conv_width=6, conv_groups=2, n_buckets=16,
        max_distance=20, dropout=0.0, attention_dropout=0.0, layer_drop=0.0,
    ),
)  # fmt: skip


def student(commitment: float = 1.0) -> TokenizerDistillation:
    torch.manual_seed(0)
    sizes = BeatsTokenizerConfig(TINY, EmaCodebookConfig(n_codes=6, dim=5, kmeans_steps=3))
    return TokenizerDistillation(
        BeatsTokenizer(sizes), 16, estimator_depth=1, commitment=commitment
    )


def test_the_loss_is_cosine_and_commitment_over_real_patches() -> None:
    model, teacher = student(commitment=3.0).eval(), shake(BeatsEncoder(TINY), 1)
    log_mel, n_frames = torch.randn(2, 8, 16), torch.tensor([16, 9])
    with torch.no_grad():
        found = model(log_mel, n_frames, teacher)
        codes, padding = model.tokenizer(log_mel, n_frames)
        told = model.told(model.estimator(model.into_estimator(codes.vectors), padding))
        wanted, _ = teacher.hidden(log_mel, n_frames)
    cosines = [
        float(told[b, t] @ wanted[b, t] / (told[b, t].norm() * wanted[b, t].norm()))
        for b in range(2)
        for t in range(8)
        if not padding[b, t]
    ]
    assert len(cosines) == 12
    mean = sum(cosines) / 12
    assert found["cosine"].item() == pytest.approx(mean, abs=1e-5)
    assert found["loss"].item() == pytest.approx(1 - mean + 3 * codes.commitment.item(), abs=1e-5)


def test_an_offset_and_a_scale_of_the_teacher_are_nothing_once_standardised() -> None:
    class Louder(torch.nn.Module):
        def hidden(self, *given: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            states, padding = teacher.hidden(*given)
            return 3.0 * states + torch.arange(16.0), padding

    model, teacher = student().eval(), shake(BeatsEncoder(TINY), 1)
    log_mel, n_frames = torch.randn(2, 8, 16), torch.tensor([16, 9])
    with torch.no_grad():
        for standardise in (True, False):
            model.standardise = standardise
            plain = model(log_mel, n_frames, teacher)["cosine"].item()
            louder = model(log_mel, n_frames, Louder())["cosine"].item()
            assert (louder == pytest.approx(plain, abs=1e-3)) == standardise


def test_the_gradient_passes_the_codes_and_not_the_teacher() -> None:
    model, teacher = student().train(), BeatsEncoder(TINY).eval()
    book = model.tokenizer.quantize
    model(torch.randn(2, 8, 16), torch.tensor([16, 16]), teacher)["loss"].backward()
    assert model.tokenizer.encoder.patch_embedding.weight.grad.any()
    assert model.estimator.layers[0].fc1.weight.grad.any()
    assert teacher.patch_embedding.weight.grad is None
    assert bool(book.started)
    assert not any(name.startswith("tokenizer.quantize.") for name, _ in model.named_parameters())


def test_codes_come_to_tell_the_teacher_s_states() -> None:
    model, teacher = student().train(), shake(BeatsEncoder(TINY), 1)
    log_mel = torch.randn(8, 1, 16).expand(-1, 8, -1) * 2
    n_frames = torch.full((8,), 16)
    optimizer = torch.optim.Adam(model.parameters(), 3e-3)
    cosines = []
    for _ in range(60):
        found = model(log_mel, n_frames, teacher)
        optimizer.zero_grad()
        found["loss"].backward()
        optimizer.step()
        cosines.append(found["cosine"].item())
    assert cosines[-1] > 0.9 > cosines[0] + 0.3
    assert found["perplexity"] > 2


def test_no_layers_are_refused() -> None:
    with pytest.raises(EarShotError, match="estimator_depth=0"):
        TokenizerDistillation(student().tokenizer, 16, estimator_depth=0)
