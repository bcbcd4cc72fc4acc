"""The sizes of a PANNs CNN from the shapes in its state dict."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from earshot.core.errors import EarShotError
from earshot.encoders.panns import CnnConfig


def cnn_sizes(state: Mapping[str, Tensor]) -> CnnConfig:
    """CNN14 has six blocks, CNN10 and CNN6 four; CNN6 has one 5x5 convolution in each."""
    convs = [state.get(f"conv_block{i}.conv1.weight") for i in range(1, 9)]
    blocks = [conv for conv in convs if conv is not None]
    if len(blocks) not in (4, 6) or "fc1.weight" not in state or "bn0.weight" not in state:
        raise EarShotError(
            got=f"an audio tower with keys such as {', '.join(sorted(state)[:3]) or 'none'}",
            expected="HTSAT, CNN14, CNN10 or CNN6",
            mend="Towers of other kinds have no loader; use another checkpoint.",
        )
    head = state.get("fc_audioset.weight")
    return CnnConfig(
        n_mels=len(state["bn0.weight"]),
        channels=tuple(len(conv) for conv in blocks),
        kernel=blocks[0].shape[-1],
        convs_per_block=2 if "conv_block1.conv2.weight" in state else 1,
        n_pools=5 if len(blocks) == 6 else 4,
        dim=len(state["fc1.weight"]),
        n_classes=0 if head is None else len(head),
    )
