from __future__ import annotations

import numpy as np
import pytest
import torch
from transformers import Wav2Vec2Config, Wav2Vec2ForSequenceClassification

from earshot.core.errors import EarShotError
from earshot.training.layer_probe import (
    LayerProbe,
    LayerProbeConfig,
    fit_layer_probe,
)

QUICK = LayerProbeConfig(learning_rates=(3e-3, 1e-2), steps=150, hidden=16)


def rows(n: int = 240, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Three layers of noise; the second one holds the class."""
    draw = torch.Generator().manual_seed(seed)
    target = torch.randint(0, 4, (n,), generator=draw)
    states = torch.randn(n, 3, 12, generator=draw)
    states[torch.arange(n), 1, target] += 4.0
    return states, target


@pytest.mark.parametrize("head", ["linear", "mlp"])
def test_it_finds_the_layer_that_knows(head: str) -> None:
    config = LayerProbeConfig(learning_rates=(3e-3, 1e-2), steps=150, hidden=16, head=head)
    fitted = fit_layer_probe(*rows(), 4, config=config)
    states, target = rows(seed=1)
    accuracy = (fitted.logits(states).argmax(1) == target).float().mean()
    assert accuracy > 0.85
    assert fitted.layer_weights[1] > 0.5
    assert sum(fitted.layer_weights) == pytest.approx(1.0, abs=1e-6)


def test_shuffled_labels_give_chance() -> None:
    states, target = rows()
    shuffled = target[torch.randperm(len(target), generator=torch.Generator().manual_seed(3))]
    fitted = fit_layer_probe(states, shuffled, 4, config=QUICK)
    states, target = rows(seed=1)
    assert (fitted.logits(states).argmax(1) == target).float().mean() < 0.45


def test_several_labels_a_row() -> None:
    states, target = rows()
    several = torch.nn.functional.one_hot(target, 4)
    several[:, 3] = 0
    fitted = fit_layer_probe(states, several, 4, config=QUICK)
    states, target = rows(seed=1)
    first = fitted.logits(states)[:, 0]
    assert first[target == 0].mean() > first[target != 0].mean() + 2


def test_the_same_seed_gives_the_same_probe_and_leaves_torchs_generator_alone() -> None:
    before = torch.get_rng_state()
    one, two = (fit_layer_probe(*rows(), 4, config=QUICK, seed=5) for _ in range(2))
    assert torch.equal(torch.get_rng_state(), before)
    for name, value in one.probe.state_dict().items():
        assert torch.equal(value, two.probe.state_dict()[name])


def test_a_group_is_never_on_both_sides(monkeypatch: pytest.MonkeyPatch) -> None:
    states, target = rows(40)
    groups = np.repeat(np.arange(8), 5)
    seen: list[torch.Tensor] = []
    from earshot.training import layer_probe

    real = layer_probe._validation_rows
    monkeypatch.setattr(
        layer_probe, "_validation_rows", lambda *a: seen.append(real(*a)) or seen[-1]
    )
    fit_layer_probe(states, target, 4, groups=groups, config=QUICK)
    held = groups[seen[0].numpy()]
    assert 0 < len(held) < 40
    assert not set(held) & set(groups[~seen[0].numpy()])


def test_names_and_numbers_are_those_of_transformers() -> None:
    torch.manual_seed(0)
    sizes = Wav2Vec2Config(
        hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32,
        conv_dim=(8, 8), conv_stride=(5, 2), conv_kernel=(10, 3), num_feat_extract_layers=2,
        classifier_proj_size=8, num_labels=3, use_weighted_layer_sum=True,
        num_conv_pos_embeddings=4, num_conv_pos_embedding_groups=2,
    )  # fmt: skip
    library = Wav2Vec2ForSequenceClassification(sizes).eval()
    torch.nn.init.normal_(library.layer_weights)
    probe = LayerProbe(3, 16, 3, LayerProbeConfig(hidden=8, normalize=False)).eval()
    head = {k: v for k, v in library.state_dict().items() if not k.startswith("wav2vec2.")}
    probe.load_state_dict(head)
    waveform = torch.randn(2, 400)
    with torch.inference_mode():
        expected = library(waveform, output_hidden_states=True)
        states = torch.stack([each.mean(1) for each in expected.hidden_states], 1)
        torch.testing.assert_close(probe(states), expected.logits, atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("states", "target", "said"),
    [
        (torch.zeros(4, 3), torch.zeros(4, dtype=torch.int64), "states .4, 3."),
        (torch.zeros(4, 2, 3), torch.zeros(3, dtype=torch.int64), "with 3 targets"),
        (torch.full((4, 2, 3), torch.nan), torch.zeros(4, dtype=torch.int64), "NaN"),
        (torch.zeros(4, 2, 3), torch.tensor([0, 1, 2, 5]), "targets from 0 to 5"),
    ],
)
def test_what_no_probe_learns_from(states, target, said) -> None:
    with pytest.raises(EarShotError, match=said):
        fit_layer_probe(states, target, 4)


@pytest.mark.parametrize("wrong", [{"learning_rates": ()}, {"steps": 0}, {"validation": 1.0}])
def test_impossible_settings(wrong: dict) -> None:
    with pytest.raises(EarShotError):
        LayerProbeConfig(**wrong)
