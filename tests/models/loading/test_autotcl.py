from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from earshot.core.errors import EarShotError
from earshot.encoders.tcn import Tcn, TcnConfig
from earshot.jobs.loading import load
from earshot.models.loading.foreign import read_foreign


class SamePad(nn.Module):
    """A convolution as the published family of encoders pads it."""

    def __init__(self, n_in: int, n_out: int, kernel: int, dilation: int) -> None:
        super().__init__()
        reach = (kernel - 1) * dilation + 1
        self.conv = nn.Conv1d(n_in, n_out, kernel, padding=reach // 2, dilation=dilation)
        self.cut = 1 - reach % 2

    def forward(self, x: Tensor) -> Tensor:
        out = self.conv(x)
        return out[..., : -self.cut] if self.cut else out


class Block(nn.Module):
    """Two of them, each after GELU, with a shortcut."""

    def __init__(self, n_in: int, n_out: int, kernel: int, i: int, last: bool) -> None:
        super().__init__()
        self.conv1 = SamePad(n_in, n_out, kernel, 2**i)
        self.conv2 = SamePad(n_out, n_out, kernel, 2**i)
        self.projector = nn.Conv1d(n_in, n_out, 1) if n_in != n_out or last else None

    def forward(self, x: Tensor) -> Tensor:
        shortcut = x if self.projector is None else self.projector(x)
        return self.conv2(F.gelu(self.conv1(F.gelu(x)))) + shortcut


class Stack(nn.Module):
    """All blocks under the name `net`."""

    def __init__(self, width: int, dim: int, depth: int, kernel: int) -> None:
        super().__init__()
        widths = [width] * depth + [dim]
        self.net = nn.Sequential(
            *(
                Block([width, *widths][i], out, kernel, i, i == depth)
                for i, out in enumerate(widths)
            )
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x)


class Published(nn.Module):
    """The encoder as the released code lays it out: [batch, steps, channels] in, steps out."""

    def __init__(self, channels: int, width: int, dim: int, depth: int, kernel: int = 3) -> None:
        super().__init__()
        self.input_fc = nn.Linear(channels, width)
        self.feature_extractor = Stack(width, dim, depth, kernel)
        self.kernels = [1, 2, 4, 8]
        self.tfd = nn.ModuleList(nn.Conv1d(dim, dim, k, padding=k - 1) for k in self.kernels)

    def forward(self, x: Tensor) -> Tensor:
        x = self.feature_extractor(self.input_fc(x).transpose(1, 2))
        outs = [
            conv(x)[..., : -(k - 1)] if k > 1 else conv(x)
            for conv, k in zip(self.tfd, self.kernels, strict=True)
        ]
        return torch.stack(outs).mean(0).transpose(1, 2)


@pytest.fixture
def published() -> Published:
    torch.manual_seed(3)
    return Published(channels=12, width=10, dim=16, depth=3)


@pytest.mark.parametrize("kind", ["averaged.pkl.pth", "averaged.safetensors", "plain.pt"])
def test_an_averaged_or_plain_file_loads_with_equal_outputs(
    kind: str, published: Published, tmp_path: Path
) -> None:
    wrapper = AveragedModel(published)
    state = dict((published if kind.startswith("plain") else wrapper).state_dict())
    assert kind.startswith("plain") or {"n_averaged", "module.tfd.3.bias"} <= state.keys()
    path = tmp_path / kind
    if kind.endswith("safetensors"):
        save_file(state, path)
    else:
        torch.save(state, path)
    model, report = read_foreign(path)
    assert report.unexpected == ()
    assert report.missing == ()
    assert ("averaged" in report.kind) == (not kind.startswith("plain"))
    encoder = model.audio_encoder
    assert isinstance(encoder, Tcn)
    series, n_steps = torch.randn(2, 40, 12), torch.tensor([40, 40])
    with torch.no_grad():
        expected = published.eval()(series)
        torch.testing.assert_close(encoder.steps(series, n_steps), expected, atol=1e-5, rtol=1e-5)
        log_mel = (series * encoder.config.spread + encoder.config.center).transpose(1, 2)
        torch.testing.assert_close(
            encoder(log_mel, n_steps), expected.amax(1), atol=1e-4, rtol=1e-4
        )


def test_it_embeds_sound_as_any_model(published: Published, tmp_path: Path) -> None:
    torch.save(AveragedModel(published).state_dict(), tmp_path / "run.pth")
    embedder = load(tmp_path / "run.pth")
    noise = np.random.default_rng(0).standard_normal(16_000).astype(np.float32) * 0.1
    rows = embedder.embed_waveforms([noise, noise[:5_000]])
    assert rows.shape == (2, 16)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1.0, atol=1e-5)


def test_the_published_sizes_are_read_off() -> None:
    from earshot.models.loading.autotcl import is_autotcl, tcn_sizes

    with torch.device("meta"):
        state = Tcn(TcnConfig(n_features=8)).state_dict()
    assert is_autotcl(state)
    sizes = tcn_sizes(state, Path("x"))
    assert sizes.trunk == TcnConfig().trunk
    assert sizes.n_features == 8


def test_a_file_with_a_gap_is_refused(published: Published, tmp_path: Path) -> None:
    state = published.state_dict()
    torch.save({k: v for k, v in state.items() if not k.startswith("tfd.1.")}, tmp_path / "a.pt")
    with pytest.raises(EarShotError, match=r"causal convolutions \[0, 2, 3\]"):
        read_foreign(tmp_path / "a.pt")
    torch.save(
        {k: v for k, v in state.items() if k != "feature_extractor.net.0.conv2.conv.bias"},
        tmp_path / "b.pt",
    )
    with pytest.raises(EarShotError, match="without: "):
        read_foreign(tmp_path / "b.pt")
