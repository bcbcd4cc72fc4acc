"""Stacks of dilated 1-D convolutions over time: residual blocks, and gated layers with norms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from earshot.core.errors import EarShotError
from earshot.core.shapes import check_shape

Direction = Literal["centred", "causal"]  # what a step sees: both sides of it, or the past alone


class DilatedConv(nn.Module):
    """A convolution over time that keeps its length; padded steps are silence to their neighbours.

    Centred, a kernel of even reach looks one step further into the past. Causal, no output depends
    on a later input. Source: `SamePadConv` of TS2Vec, arXiv:2106.10466, its code.
    """

    def __init__(
        self,
        in_dim: int,
        out_dim: int,
        kernel: int,
        *,
        dilation: int = 1,
        direction: Direction = "centred",
    ) -> None:
        super().__init__()
        if min(in_dim, out_dim, kernel, dilation) < 1:
            raise EarShotError(
                got=f"in_dim={in_dim}, out_dim={out_dim}, kernel={kernel}, dilation={dilation}",
                expected="at least 1 each",
                mend="Raise what is below 1.",
            )
        reach = (kernel - 1) * dilation
        self.before = reach if direction == "causal" else (reach + 1) // 2
        self.after = reach - self.before
        self.conv = nn.Conv1d(in_dim, out_dim, kernel, dilation=dilation)

    def forward(self, hidden: Tensor, padding: Tensor | None = None) -> Tensor:
        """hidden [batch, in_dim, steps] -> [batch, out_dim, steps].

        padding [batch, steps], True where padded: those steps count as zeros; what comes out there
        is of no meaning.
        """
        if padding is not None:
            hidden = hidden.masked_fill(padding[:, None], 0.0)
        return self.conv(F.pad(hidden, (self.before, self.after)))


class PreActivationBlock(nn.Module):
    """GELU and convolution, twice, added to what came in; a 1x1 shortcut where `project` is set.

    Source: `ConvBlock` of TS2Vec, arXiv:2106.10466, its code; names of weights as there.
    """

    def __init__(
        self,
        in_dim: int,
        out_dim: int,
        kernel: int,
        *,
        dilation: int,
        direction: Direction = "centred",
        project: bool = False,
    ) -> None:
        super().__init__()
        how = {"dilation": dilation, "direction": direction}
        self.conv1 = DilatedConv(in_dim, out_dim, kernel, **how)  # type: ignore[arg-type]
        self.conv2 = DilatedConv(out_dim, out_dim, kernel, **how)  # type: ignore[arg-type]
        is_projected = project or in_dim != out_dim
        self.projector = nn.Conv1d(in_dim, out_dim, 1) if is_projected else None

    def forward(self, hidden: Tensor, padding: Tensor | None = None) -> Tensor:
        """hidden [batch, in_dim, steps] -> [batch, out_dim, steps]; padding as DilatedConv's."""
        added = hidden if self.projector is None else self.projector(hidden)
        hidden = self.conv1(F.gelu(hidden), padding)
        return added + self.conv2(F.gelu(hidden), padding)


class DilatedConvs(nn.Module):
    """Residual blocks of the given widths, the i-th dilated 2^i; the last has its own shortcut.

    Source: `DilatedConvEncoder` of TS2Vec, arXiv:2106.10466, which CoST and AutoTCL share; names of
    weights as there.
    """

    def __init__(
        self,
        in_dim: int,
        widths: Sequence[int],
        *,
        kernel: int = 3,
        direction: Direction = "centred",
    ) -> None:
        super().__init__()
        self.net = nn.ModuleList(
            PreActivationBlock(
                before,
                width,
                kernel,
                dilation=2**i,
                direction=direction,
                project=i == len(widths) - 1,
            )
            for i, (before, width) in enumerate(zip((in_dim, *widths), widths, strict=False))
        )

    def forward(self, hidden: Tensor, padding: Tensor | None = None) -> Tensor:
        """hidden [batch, in_dim, steps] -> [batch, widths[-1], steps]."""
        return self.layers(hidden, padding)[-1]

    def layers(self, hidden: Tensor, padding: Tensor | None = None) -> list[Tensor]:
        """The input and every block's output, each [batch, its width, steps]."""
        states = [hidden]
        for block in self.net:
            states.append(block(states[-1], padding))
        return states


class GatedConvs(nn.Module):
    """Convolutions with batch norm and GELU, added to what came in where shapes match, and gates.

    Layer k is dilated 2^(k mod `period`); the last has `out_dim` channels where given. Every
    `gate_every`-th is followed by a gated one of kernel 3, which is not added; 0 leaves gates out,
    `residual=False` the additions. What differs from DilatedConvs is all but the convolution: norm
    and activation come after it, so there is one conv a layer, and batch norms take every step of
    every row: rows are of one length.
    Source: arXiv:2208.12266, Methods; names of weights as in its code.
    """

    def __init__(
        self,
        in_dim: int,
        dim: int,
        depth: int,
        *,
        out_dim: int | None = None,
        kernel: int = 3,
        period: int = 5,
        gate_every: int = 2,
        residual: bool = True,
        activation: type[nn.Module] = nn.GELU,
    ) -> None:
        super().__init__()
        if depth < 1 or period < 1 or gate_every < 0 or kernel % 2 == 0:
            raise EarShotError(
                got=f"depth={depth}, period={period}, gate_every={gate_every}, kernel={kernel}",
                expected="depth and period of at least 1, gate_every of 0 or above, an odd kernel",
                mend="The paper has 10, 5, 2 and 3.",
            )
        self.in_dim, self.residual = in_dim, residual
        self.sequence = nn.ModuleList()
        self.glus = nn.ModuleDict()  # by the number of the layer before it
        widths = [in_dim, *[dim] * (depth - 1), dim if out_dim is None else out_dim]
        for k, (before, after) in enumerate(zip(widths, widths[1:], strict=False)):
            dilation = 2 ** (k % period)
            conv = nn.Conv1d(
                before, after, kernel, padding=kernel // 2 * dilation, dilation=dilation
            )
            self.sequence.append(nn.Sequential(conv, nn.BatchNorm1d(after), activation()))
            if gate_every and (k + 1) % gate_every == 0:
                self.glus[str(k)] = nn.Sequential(
                    nn.Conv1d(after, 2 * after, 3, padding=1), nn.GLU(dim=1)
                )

    def forward(self, hidden: Tensor) -> Tensor:
        """hidden [batch, in_dim, steps] -> [batch, dim or out_dim, steps]."""
        check_shape(
            "hidden",
            hidden,
            ("batch", self.in_dim, "steps"),
            mend="Give the stack and what comes before it the same width.",
        )
        for k, layer in enumerate(self.sequence):
            before, hidden = hidden, layer(hidden)
            if self.residual and hidden.shape == before.shape:
                hidden = hidden + before
            if str(k) in self.glus:
                hidden = self.glus[str(k)](hidden)
        return hidden


class CausalAverage(nn.ModuleList):
    """Causal convolutions side by side, one a kernel length, averaged.

    Source: the trend branch of CoST, arXiv:2202.01575, 3.1, as AutoTCL has it; names of weights as
    in its code (`tfd.0.weight`).
    """

    def __init__(self, in_dim: int, out_dim: int, kernels: Sequence[int]) -> None:
        super().__init__(nn.Conv1d(in_dim, out_dim, kernel) for kernel in kernels)
        self.kernels = tuple(kernels)

    def forward(self, hidden: Tensor, padding: Tensor | None = None) -> Tensor:
        """hidden [batch, in_dim, steps] -> [batch, out_dim, steps]; padding as DilatedConv's."""
        if padding is not None:
            hidden = hidden.masked_fill(padding[:, None], 0.0)
        each = [
            conv(F.pad(hidden, (kernel - 1, 0)))
            for conv, kernel in zip(self, self.kernels, strict=True)
        ]
        return torch.stack(each).mean(0)
