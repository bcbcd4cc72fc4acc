import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from earshot.core.errors import EarShotError
from earshot.encoders.eat import EatConfig, EatEncoder
from earshot.features import KaldiFbank
from earshot.layers.grid_positions import grid_positions
from earshot.layers.post_norm_transformer import PostNormConfig
from earshot.models.loading.eat import eat_fbank

SMALL = PostNormConfig(dim=32, depth=2, n_heads=2, mlp_dim=48)


def small(**changes) -> EatEncoder:
    torch.manual_seed(0)
    return EatEncoder(EatConfig(n_mels=32, most_times=8, transformer=SMALL, **changes)).eval()


def by_hand(encoder: EatEncoder, log_mel: torch.Tensor) -> torch.Tensor:
    """The paper's equations over one clip of whole patches, head by head."""
    image = log_mel.T[None, None]  # [1, 1, time, band]
    patches = encoder.proj(image)[0].flatten(1).T
    patches = patches + encoder.positions[0, : len(patches)]
    x = encoder.norm(torch.cat([encoder.extra_tokens[0], patches]))
    for block in encoder.blocks:
        query, key, value = block.attn["qkv"](x).chunk(3, dim=1)
        heads = []
        for q, k, v in zip(query.chunk(2, 1), key.chunk(2, 1), value.chunk(2, 1), strict=True):
            heads.append(torch.softmax(q @ k.T / q.shape[1] ** 0.5, dim=1) @ v)
        x = block.norm1(x + block.attn["proj"](torch.cat(heads, dim=1)))
        x = block.norm2(x + block.mlp["fc2"](F.gelu(block.mlp["fc1"](x))))
    return x


@torch.inference_mode()
def test_it_is_the_papers_transformer() -> None:
    encoder = small(n_frames=64)
    log_mel = torch.randn(1, 32, 64)
    hidden, padding = encoder.hidden(log_mel, torch.tensor([64]))
    assert hidden.shape == (1, 1 + 4 * 2, 32)
    assert not padding.any()
    torch.testing.assert_close(hidden[0], by_hand(encoder, log_mel[0]))
    torch.testing.assert_close(encoder(log_mel, torch.tensor([64])), hidden[:, 0])


@torch.inference_mode()
def test_a_short_clip_is_filled_with_what_silence_is() -> None:
    encoder = small(n_frames=64, fill=0.467)
    short = torch.randn(1, 32, 40)
    filled = F.pad(short, (0, 24), value=0.467)
    one = encoder.hidden(short, torch.tensor([40]))[0]
    torch.testing.assert_close(one, encoder.hidden(filled, torch.tensor([64]))[0])


@torch.inference_mode()
@given(st.lists(st.integers(1, 128), min_size=2, max_size=4))
@settings(deadline=None, derandomize=True, max_examples=15)
def test_neighbours_and_padding_change_nothing(lengths) -> None:
    encoder = small(n_frames=0, pooling="mean")
    torch.manual_seed(1)
    batch = torch.randn(len(lengths), 32, max(lengths))
    whole = encoder(batch, torch.tensor(lengths))
    for row, length in enumerate(lengths):
        alone = encoder(batch[row : row + 1, :, :length], torch.tensor([length]))
        torch.testing.assert_close(whole[row], alone[0], atol=1e-5, rtol=1e-5)


@torch.inference_mode()
def test_states_over_time_are_means_over_bands() -> None:
    encoder = small(n_frames=64)
    log_mel = torch.randn(2, 32, 60)
    states = encoder.layers(log_mel, torch.tensor([60, 17]))
    assert states.n_positions.tolist() == [4, 2]
    last = encoder.hidden(log_mel, torch.tensor([60, 17]))[0][:, 1:]
    torch.testing.assert_close(states.last, last.unflatten(1, (4, 2)).mean(2))


def test_sizes_of_the_released_models() -> None:
    with torch.device("meta"):
        base = EatEncoder(EatConfig.base())
        large = EatEncoder(EatConfig.large())
    assert sum(p.numel() for p in base.parameters()) == 85_254_144
    assert 300e6 < sum(p.numel() for p in large.parameters()) < 310e6
    assert base.positions.shape == (1, 6_144, 768)


def test_places_begin_with_the_band() -> None:
    places = grid_positions(3, 2, 8)
    torch.testing.assert_close(places[0], torch.tensor([0, 0, 1, 1, 0, 0, 1, 1.0]))
    second = torch.tensor([1.0, 1e-2])  # the second band of the first time
    wanted = torch.cat([second.sin(), second.cos(), torch.tensor([0, 0, 1, 1.0])])
    torch.testing.assert_close(places[1], wanted)
    torch.testing.assert_close(places[2], torch.cat([places[0, :4], wanted[:4]]))


def test_the_front_end_is_kaldis_by_the_papers_numbers() -> None:
    config = eat_fbank()
    assert (config.window, config.gain, config.mean, config.std) == ("hanning", 1.0, -4.268, 4.569)
    n_samples = torch.tensor([163_840])
    log_mel, n_frames = KaldiFbank(config)(torch.zeros(1, 163_840), n_samples)
    assert int(n_frames) == 1_022  # edges snipped; filled up to 1 024
    assert log_mel.shape[1] == 128


@pytest.mark.parametrize(
    "changes", [{"n_frames": 60}, {"n_frames": 1_024}, {"patch": 64}, {"patch": 0}]
)
def test_impossible_sizes_are_refused(changes) -> None:
    with pytest.raises(EarShotError, match="whole patches"):
        EatConfig(**({"n_mels": 32, "most_times": 8, "n_frames": 0} | changes))


def test_a_pretrained_one_names_no_classes() -> None:
    with pytest.raises(EarShotError, match="fine-tuned"):
        small(n_frames=0).class_probabilities(torch.zeros(1, 32, 16), torch.tensor([16]))
