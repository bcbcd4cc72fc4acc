import pytest
import torch

from earshot.core.errors import EarShotError
from earshot.layers.joined_tokens import JoinedTokens


@torch.inference_mode()
def test_five_tokens_become_one_vector_and_the_rest_is_dropped() -> None:
    torch.manual_seed(0)
    layer = JoinedTokens(4, 6, n_joined=5, hidden=8)
    tokens = torch.randn(2, 13, 4)
    found, n = layer(tokens, torch.tensor([13, 13]))
    assert found.shape == (2, 2, 6)
    assert n.tolist() == [2, 2]
    for row in range(2):
        for i in range(2):
            joined = torch.cat(list(tokens[row, 5 * i : 5 * i + 5]))
            hidden = (layer.linear1.weight @ joined + layer.linear1.bias).clamp(min=0)
            wanted = layer.linear2.weight @ hidden + layer.linear2.bias
            torch.testing.assert_close(found[row, i], wanted)


@torch.inference_mode()
def test_padding_is_not_read_and_a_short_row_is_one_vector() -> None:
    torch.manual_seed(0)
    layer = JoinedTokens(4, 6, n_joined=5, hidden=8)
    tokens = torch.randn(2, 11, 4)
    n_tokens = torch.tensor([11, 3])
    found, n = layer(tokens, n_tokens)
    assert n.tolist() == [2, 1]
    tokens[1, 3:] = 7.0
    again, _ = layer(tokens, n_tokens)
    torch.testing.assert_close(again, found)
    alone, n_alone = layer(tokens[1:, :3], torch.tensor([3]))
    assert n_alone.tolist() == [1]
    torch.testing.assert_close(alone[0, 0], found[1, 0])


def test_the_paper_s_projector_has_its_sizes() -> None:
    with torch.device("meta"):
        layer = JoinedTokens(768, 4_096)
    assert sum(p.numel() for p in layer.parameters()) == 16_259_072  # 16.26 M
    assert layer(torch.empty(1, 513, 768, device="meta"), torch.tensor([513]).to("meta"))[
        0
    ].shape == (1, 102, 4_096)


def test_impossible_sizes_are_a_sentence() -> None:
    with pytest.raises(EarShotError, match="n_joined=0"):
        JoinedTokens(4, 6, n_joined=0)
