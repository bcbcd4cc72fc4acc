import pytest
import torch
import torch.nn.functional as F

from earshot.core.errors import EarShotError
from earshot.layers.grid_decoder import GridDecoder


@torch.inference_mode()
def test_it_is_convolution_norm_gelu_and_sum_over_the_grid() -> None:
    torch.manual_seed(0)
    layer, grid = GridDecoder(8, depth=2, groups=2), (4, 3)
    tokens = torch.randn(2, 12, 8)
    image = torch.zeros(2, 8, 4, 3)
    for time in range(4):
        for band in range(3):
            image[:, :, time, band] = tokens[:, 3 * time + band]
    for block in layer.blocks:
        found = block(image)
        centred = found - found.mean(1, keepdim=True)
        normal = centred / (found.var(1, correction=0, keepdim=True) + 1e-6).sqrt()
        image = image + F.gelu(normal)
    wanted = torch.stack([image[:, :, t, b] for t in range(4) for b in range(3)], 1)
    torch.testing.assert_close(layer(tokens, grid), layer.proj(wanted))


def test_the_released_decoder_has_these_sizes() -> None:
    layer = GridDecoder(768)
    convolution = 768 * 768 // 16 * 9 + 768
    assert sum(p.numel() for p in layer.parameters()) == 6 * convolution + 768 * 768 + 768


def test_groups_that_do_not_fit_are_a_sentence() -> None:
    with pytest.raises(EarShotError, match="groups that share dim evenly"):
        GridDecoder(10)
