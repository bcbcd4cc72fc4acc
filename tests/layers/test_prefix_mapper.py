from __future__ import annotations

import pytest
import torch

from earshot.core.errors import EarShotError
from earshot.layers.prefix_mapper import PrefixMapper, PrefixMapperConfig


@pytest.mark.parametrize("config", [
    PrefixMapperConfig(1, depth=0),
    PrefixMapperConfig(3, hidden=16, depth=0),
    PrefixMapperConfig(4, depth=2, n_heads=2),
])  # fmt: skip
def test_each_embedding_has_its_own_vectors(config: PrefixMapperConfig) -> None:
    torch.manual_seed(0)
    mapper, embeddings = PrefixMapper(6, 8, config), torch.randn(5, 6)
    whole = mapper(embeddings)
    assert whole.shape == (5, config.n_vectors, 8)
    assert torch.allclose(whole[2:3], mapper(embeddings[2:3]), atol=1e-6)
    embeddings.requires_grad_()
    mapper(embeddings)[0].sum().backward()
    assert embeddings.grad is not None
    assert embeddings.grad[1:].abs().sum() == 0


def test_impossible_sizes_are_sentences() -> None:
    with pytest.raises(EarShotError, match="at least one vector"):
        PrefixMapperConfig(0)
