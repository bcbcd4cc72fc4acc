"""Dilated convolutions with residuals and gates between them: length in, length out."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from earshot.core.errors import EarShotError
from earshot.core.shapes import check_shape


class GatedConvs(nn.Module):
    """Convolution, batch norm, GELU, again and again; after every `gate_every`th a gated one.

    Layer k is dilated by 2^(k mod `dilation_cycle`) and adds its input where shapes allow. The
    gates are convolutions to twice the width, one half of which opens and closes the other (GLU);
    they have no residual. `sequence.{k}.0` is a convolution, `.1` its norm, `glus.{k}.0` the gate
    after layer k. Every window is as long as it came; zeros lie beyond its ends.
    Source: arXiv:2208.12266, Methods.
    """

    def __init__(
        self,
        widths: Sequence[int],  # channels in, then those of each layer
        *,
        kernel: int = 3,
        dilation_cycle: int = 5,
        gate_every: int = 2,  # 0: no gates
    ) -> None:
        super().__init__()
        if len(widths) < 2 or kernel % 2 == 0 or dilation_cycle < 1 or gate_every < 0:
            raise EarShotError(
                got=f"{len(widths) - 1} layers, kernel={kernel}, dilation_cycle={dilation_cycle}, "
                f"gate_every={gate_every}",
                expected="at least one layer, an odd kernel, a cycle from 1 on",
                mend="The published stack has 10 layers, kernel 3, cycle 5, a gate every 2.",
            )
        self.widths = tuple(widths)
        self.sequence = nn.ModuleList()
        self.glus = nn.ModuleDict()
        for k, (n_in, n_out) in enumerate(zip(widths, widths[1:], strict=False)):
            dilation = 2 ** (k % dilation_cycle)
            conv = nn.Conv1d(
                n_in, n_out, kernel, padding=dilation * (kernel // 2), dilation=dilation
            )
            self.sequence.append(nn.Sequential(conv, nn.BatchNorm1d(n_out), nn.GELU()))
            if gate_every and (k + 1) % gate_every == 0:
                gate = nn.Conv1d(n_out, 2 * n_out, kernel, padding=kernel // 2)
                self.glus[str(k)] = nn.Sequential(gate, nn.GLU(dim=1))

    def forward(self, hidden: Tensor) -> Tensor:
        """hidden [batch, widths[0], samples] -> [batch, widths[-1], samples]."""
        check_shape(
            "hidden", hidden, ("batch", self.widths[0], "samples"), mend="Match widths[0]."
        )
        for k, layer in enumerate(self.sequence):
            heard = layer(hidden)
            hidden = hidden + heard if heard.shape == hidden.shape else heard
            if str(k) in self.glus:
                hidden = self.glus[str(k)](hidden)
        return hidden
