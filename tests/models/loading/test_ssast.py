from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from earshot.core.errors import EarShotError
from earshot.jobs.loading import load
from earshot.models.loading.foreign import read_foreign
from earshot.models.loading.ssast import read_ssast_pretraining, ssast_config


def released(
    dim: int = 768,
    depth: int = 12,
    patch: tuple[int, int] = (16, 16),
    bands: int = 128,
    frames: int = 1_024,
) -> dict[str, Tensor]:
    """Random weights under the names of the released SSAST files, written from these."""
    height, width = patch
    n_tokens = (bands // height) * (frames // width)
    shapes = {
        "mask_embed": (1, 1, dim),
        "v.cls_token": (1, 1, dim),
        "v.dist_token": (1, 1, dim),
        "v.pos_embed": (1, n_tokens + 2, dim),
        "v.patch_embed.proj.weight": (dim, 1, height, width),
        "v.patch_embed.proj.bias": (dim,),
        "v.norm.weight": (dim,),
        "v.norm.bias": (dim,),
        "v.head.weight": (1_000, dim),
        "v.head.bias": (1_000,),
        "v.head_dist.weight": (1_000, dim),
        "v.head_dist.bias": (1_000,),
    }
    for i in range(depth):
        block = {
            "norm1": (dim,),
            "norm2": (dim,),
            "attn.qkv": (3 * dim, dim),
            "attn.proj": (dim, dim),
            "mlp.fc1": (4 * dim, dim),
            "mlp.fc2": (dim, 4 * dim),
        }
        for name, shape in block.items():
            shapes[f"v.blocks.{i}.{name}.weight"] = shape
            shapes[f"v.blocks.{i}.{name}.bias"] = shape[:1]
    for head in ("cpredlayer", "gpredlayer"):
        shapes |= {
            f"{head}.0.weight": (dim, dim),
            f"{head}.0.bias": (dim,),
            f"{head}.2.weight": (height * width, dim),
            f"{head}.2.bias": (height * width,),
        }
    draw = torch.Generator().manual_seed(0)
    device = torch.get_default_device()
    state = {
        f"module.{name}": torch.empty(shape, device=device)
        if device.type == "meta"
        else 0.2 * torch.randn(shape, generator=draw)
        for name, shape in shapes.items()
    }
    sizes = {"module.p_input_fdim": bands, "module.p_input_tdim": frames}
    return state | {name: torch.tensor(size, device="cpu") for name, size in sizes.items()}


TOY = {"dim": 64, "depth": 2, "bands": 32, "frames": 64}


def reference(state: dict[str, Tensor], fbank: Tensor, hide: Tensor | None = None) -> Tensor:
    """The released forward pass in plain tensor words: fbank [bands, frames] -> tokens."""
    own = {name.removeprefix("module."): value for name, value in state.items()}
    dim = own["v.cls_token"].shape[2]
    kernel = own["v.patch_embed.proj.weight"]
    x = nn.functional.conv2d(
        fbank[None, None], kernel, own["v.patch_embed.proj.bias"], stride=kernel.shape[2:]
    )
    x = x.flatten(2).transpose(1, 2)[0]
    if hide is not None:
        x = torch.where(hide[:, None], own["mask_embed"][0], x)
    x = torch.cat([own["v.cls_token"][0], own["v.dist_token"][0], x]) + own["v.pos_embed"][0]

    def norm(name: str, value: Tensor) -> Tensor:
        weight, bias = own[f"{name}.weight"], own[f"{name}.bias"]
        return nn.functional.layer_norm(value, (dim,), weight, bias, 1e-6)

    def linear(name: str, value: Tensor) -> Tensor:
        return value @ own[f"{name}.weight"].T + own[f"{name}.bias"]

    i = 0
    while f"v.blocks.{i}.norm1.weight" in own:
        name = f"v.blocks.{i}"
        query, key, value = linear(f"{name}.attn.qkv", norm(f"{name}.norm1", x)).split(dim, 1)
        heads = []
        for start in range(0, dim, 64):
            part = slice(start, start + 64)
            scores = (query[:, part] @ key[:, part].T) * 64**-0.5
            heads.append(scores.softmax(1) @ value[:, part])
        x = x + linear(f"{name}.attn.proj", torch.cat(heads, 1))
        inner = nn.functional.gelu(linear(f"{name}.mlp.fc1", norm(f"{name}.norm2", x)))
        x, i = x + linear(f"{name}.mlp.fc2", inner), i + 1
    return norm("v.norm", x)


@pytest.mark.parametrize("patch", [(16, 16), (32, 2)])
def test_a_released_file_embeds_as_the_released_code_does(
    patch: tuple[int, int], tmp_path: Path
) -> None:
    state = released(patch=patch, **TOY)
    torch.save(state, tmp_path / "SSAST.pth")
    model, report = read_foreign(tmp_path / "SSAST.pth")
    rng = np.random.default_rng(0)
    sound = torch.from_numpy(rng.standard_normal((1, 6_000)).astype(np.float32) * 0.1)
    with torch.no_grad():
        vector = model.audio_hidden(sound, torch.tensor([6_000]))[0]
        log_mel, n_frames = model.frames(sound, torch.tensor([6_000]))
        n = int(n_frames[0])
        assert n == (6_000 - 400) // 160 + 1
        whole = torch.full((32, 64), 4.2677393 / (2 * 4.5689974))
        whole[:, :n] = log_mel[0]
        tokens = reference(state, whole)
        torch.testing.assert_close(vector, tokens[2:].mean(0), atol=1e-4, rtol=0)
        states = model.layers(sound, torch.tensor([6_000]))
        grid = tokens[2:].view(32 // patch[0], 64 // patch[1], 64).mean(0)
        torch.testing.assert_close(states.last[0], grid, atol=1e-4, rtol=0)
    assert report.kind.startswith("SSAST, 64 wide")
    assert "mask_embed" in report.unexpected
    assert not report.missing


def test_both_heads_answer_as_the_released_code_s(tmp_path: Path) -> None:
    state = released(**TOY)
    torch.save(state, tmp_path / "SSAST.pth")
    model = read_ssast_pretraining(tmp_path / "SSAST.pth")
    fbank = torch.randn(32, 64, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        torch.manual_seed(5)
        filled = model.v.filled(fbank[None], torch.tensor([64]))
        hide = model.mask(filled)[0]
        torch.manual_seed(5)
        model.config = replace(model.config, tasks=("identify",), transposed=True)
        found = model(fbank[None], torch.tensor([64]))
        tokens = reference(state, fbank, hide)[2:][hide]
        inner = tokens @ state["module.cpredlayer.0.weight"].T + state["module.cpredlayer.0.bias"]
        head = inner.relu() @ state["module.cpredlayer.2.weight"].T
        head = head + state["module.cpredlayer.2.bias"]
        patches = fbank.unfold(0, 16, 16).unfold(1, 16, 16).reshape(8, 256)[hide]
        scores = patches @ head.T  # the released code: patches by predictions
        expected = -scores.log_softmax(1).diagonal().mean()
    torch.testing.assert_close(found["loss"], expected, atol=1e-3, rtol=1e-5)


@pytest.mark.parametrize(
    ("dim", "patch", "n_million"),
    [(768, (16, 16), 88.76), (768, (128, 2), 88.76), (384, (16, 16), 22.85), (192, (16, 16), 6.05)],
)
def test_the_released_sizes_have_a_place_for_every_weight(
    dim: int, patch: tuple[int, int], n_million: float
) -> None:
    with torch.device("meta"):
        state = released(dim, patch=patch)
        bare = {name.removeprefix("module."): value for name, value in state.items()}
        config = ssast_config(bare, Path("SSAST.pth"))
        from earshot.encoders.spectrogram_transformer import SpectrogramTransformer
        from earshot.models.pretraining.masked_spectrogram import MaskedSpectrogram

        model = MaskedSpectrogram(SpectrogramTransformer(config))
    own = {name: value.shape for name, value in model.state_dict().items()}
    theirs = {
        name: value.shape
        for name, value in bare.items()
        if not name.startswith(("v.head", "p_input"))
    }
    assert own == theirs
    n_parameters = sum(value.numel() for value in bare.values())
    assert n_parameters / 1e6 == pytest.approx(n_million, abs=0.01)


def test_an_original_ast_is_known_by_its_positions(tmp_path: Path) -> None:
    """No input size in the file: 12 by 101 patches are those of stride 10."""
    state = {
        name: value
        for name, value in released(dim=64, depth=1).items()
        if not name.startswith(("module.p_input", "module.mask", "module.cpred", "module.gpred"))
    }
    state["module.v.pos_embed"] = torch.randn(1, 1_214, 64)
    state["module.mlp_head.0.weight"] = torch.ones(64)
    torch.save(state, tmp_path / "audioset_10_10.pth")
    model, report = read_foreign(tmp_path / "audioset_10_10.pth")
    assert model.audio_encoder.config.patches.strides == (10, 10)
    assert model.audio_encoder.config.pooling == "special"
    assert report.kind.startswith("AST, 64 wide")
    assert "mlp_head.0.weight" in report.unexpected
    state["module.v.pos_embed"] = torch.randn(1, 77, 64)
    torch.save(state, tmp_path / "other.pth")
    with pytest.raises(EarShotError, match="positions for 75 patches"):
        read_foreign(tmp_path / "other.pth")


def test_it_loads_by_path_and_embeds_the_same_in_any_batch(tmp_path: Path) -> None:
    torch.save(released(**TOY), tmp_path / "SSAST.pth")
    embedder = load(tmp_path / "SSAST.pth")
    rng = np.random.default_rng(1)
    sounds = [rng.standard_normal(n).astype(np.float32) * 0.1 for n in (900, 5_000, 10_240)]
    together = embedder.embed_waveforms(sounds)
    alone = np.concatenate([embedder.embed_waveforms([sound]) for sound in sounds])
    np.testing.assert_allclose(together, alone, atol=1e-5)


class _Code:
    def __reduce__(self) -> tuple[object, ...]:
        return (print, ("it ran",))


def test_damaged_files_and_code_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "SSAST.pth"
    path.write_bytes(pickle.dumps({"module.v.cls_token": _Code()}))
    with pytest.raises(EarShotError, match="more than data, or is damaged"):
        read_foreign(path)
    assert "it ran" not in capsys.readouterr().out
    state = released(**TOY)
    del state["module.v.blocks.1.attn.qkv.weight"]
    torch.save(state, path)
    with pytest.raises(EarShotError, match=r"without: blocks\.1\.attn\.qkv\.weight"):
        read_foreign(path)
    state = {name: value for name, value in state.items() if ".blocks." not in name}
    torch.save(state, path)
    with pytest.raises(EarShotError, match="blocks of a DeiT"):
        read_foreign(path)
    torch.save({"module.v.cls_token": torch.zeros(1)}, path)
    with pytest.raises(EarShotError, match="no pre-trained SSAST"):
        read_ssast_pretraining(path)
