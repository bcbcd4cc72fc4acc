from __future__ import annotations

import math

import pytest
import torch
from transformers import Wav2Vec2Config
from transformers.models.wav2vec2.modeling_wav2vec2 import Wav2Vec2GumbelVectorQuantizer

from earshot.core.errors import EarShotError
from earshot.layers.gumbel_quantizer import GumbelQuantizer, GumbelQuantizerConfig

TWO = GumbelQuantizerConfig(n_codes=5, n_codebooks=2, dim=6)


def quantizer(config: GumbelQuantizerConfig = TWO, input_dim: int = 4) -> GumbelQuantizer:
    torch.manual_seed(0)
    return GumbelQuantizer(input_dim, config)


def test_it_is_that_of_transformers_on_copied_weights() -> None:
    ours = quantizer().eval()
    library = Wav2Vec2GumbelVectorQuantizer(
        Wav2Vec2Config(
            num_codevectors_per_group=5, num_codevector_groups=2, codevector_dim=6,
            conv_dim=(4,), conv_stride=(1,), conv_kernel=(1,),
        )
    ).eval()  # fmt: skip
    state = ours.state_dict()
    state.pop("n_updates")
    library.load_state_dict(state)
    hidden = torch.randn(3, 7, 4)
    vectors, perplexity = library(hidden)
    found = ours(hidden)
    torch.testing.assert_close(found.vectors, vectors, atol=1e-6, rtol=0)
    shares = found.choice.flatten(0, 1).mean(0)
    assert torch.special.entr(shares).sum(-1).exp().sum() == pytest.approx(perplexity.item())
    torch.manual_seed(1)
    soft_perplexity = library.train()(hidden)[1]
    shares = found.probabilities.flatten(0, 1).mean(0)
    entropies = torch.special.entr(shares).sum(-1)
    assert entropies.exp().sum().item() == pytest.approx(soft_perplexity.item(), rel=1e-5)


def test_a_vector_is_made_of_the_chosen_codes() -> None:
    ours = quantizer().train()
    found = ours(torch.randn(2, 9, 4))
    table = ours.codevectors[0].view(2, 5, 3)
    for row in range(2):
        for step in range(9):
            parts = [table[g, found.chosen[row, step, g]] for g in range(2)]
            assert torch.equal(found.vectors[row, step], torch.cat(parts))
    assert torch.equal(found.choice.argmax(-1), found.chosen)
    assert set(found.choice.detach().unique().tolist()) == {0.0, 1.0}


def test_choices_are_drawn_with_the_probabilities_and_codes_are_the_likeliest() -> None:
    config = GumbelQuantizerConfig(n_codes=4, dim=2)
    ours = quantizer(config, 1).train()
    with torch.no_grad():
        ours.weight_proj.weight.copy_(torch.tensor([[0.0], [0.5], [1.0], [1.5]]))
    torch.manual_seed(0)
    found = ours(torch.ones(1, 20_000, 1))
    wanted = torch.tensor([0.0, 0.5, 1.0, 1.5]).softmax(0)
    torch.testing.assert_close(found.probabilities[0, 0, 0], wanted)
    shares = found.choice.detach().mean((0, 1, 2))
    torch.testing.assert_close(shares, wanted, atol=0.015, rtol=0)
    assert (found.codes == 3).all()
    assert (ours.eval()(torch.ones(1, 5, 1)).chosen == 3).all()


def test_the_gradient_is_that_of_the_softmax_at_the_temperature() -> None:
    config = GumbelQuantizerConfig(n_codes=3, dim=2, temperature=0.7)
    ours = quantizer(config, 2).train()
    hidden, want = torch.randn(1, 4, 2), torch.randn(1, 4, 2)
    torch.manual_seed(3)
    (ours(hidden).vectors * want).sum().backward()
    found = ours.weight_proj.weight.grad.clone()
    weight = ours.weight_proj.weight.detach().clone().requires_grad_()
    torch.manual_seed(3)
    logits = hidden @ weight.T
    noise = -torch.empty(1, 4, 1, 3).exponential_().log()[:, :, 0]
    soft = ((logits + noise) / 0.7).softmax(-1)
    ((soft @ ours.codevectors[0].detach()) * want).sum().backward()
    torch.testing.assert_close(found, weight.grad, atol=1e-5, rtol=1e-5)


def test_the_temperature_falls_and_is_a_part_of_the_state() -> None:
    config = GumbelQuantizerConfig(4, 1, 2, 2.0, 0.5, 0.9)
    ours = quantizer(config, 2)
    assert ours.temperature == 2.0
    for _ in range(5):
        ours.count_update()
    assert ours.temperature == pytest.approx(2.0 * 0.9**5)
    other = quantizer(config, 2)
    other.load_state_dict(ours.state_dict())
    assert other.temperature == ours.temperature
    for _ in range(100):
        ours.count_update()
    assert ours.temperature == 0.5
    published = GumbelQuantizerConfig()
    n_updates = math.log(0.1 / 2.0) / math.log(published.temperature_decay)
    assert n_updates == pytest.approx(599_000, rel=0.01)  # longer than the paper trains


@pytest.mark.parametrize(
    "wrong",
    [
        {"n_codes": 0},
        {"n_codebooks": 3},
        {"temperature": 0.05},
        {"temperature_decay": 1.1},
        {"least_temperature": 0.0},
    ],
)
def test_impossible_codebooks_are_refused(wrong: dict) -> None:
    with pytest.raises(EarShotError, match="divisors of dim|from 2 to 0.1"):
        GumbelQuantizerConfig(**wrong)


def test_another_dim_is_refused() -> None:
    with pytest.raises(EarShotError, match="the dim of what it quantises"):
        quantizer()(torch.zeros(2, 3, 5))
