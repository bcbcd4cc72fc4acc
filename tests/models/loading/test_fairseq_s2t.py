from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from earshot.core.errors import EarShotError
from earshot.models.loading.fairseq_s2t import load_fairseq, rename_fairseq
from earshot.models.speech_to_text import SpeechToText, SpeechToTextConfig

TINY = SpeechToTextConfig(
    vocab_size=30,
    n_ctc=11,
    n_features=12,
    dim=32,
    mlp_dim=64,
    encoder_depth=2,
    decoder_depth=2,
    conv_dim=24,
)


def made(seed: int) -> SpeechToText:
    torch.manual_seed(seed)
    return SpeechToText(TINY).eval()


def as_fairseq(model: SpeechToText, speech: str, ctc: str) -> dict[str, Tensor]:
    """The model's weights as fairseq names them, with the bookkeeping that it adds."""
    named = {}
    for name, value in model.state_dict().items():
        name = name.removeprefix("model.").removeprefix("model.")
        if name.startswith("encoder."):
            inside = name.removeprefix("encoder.")
            inside = inside.replace("conv.conv_layers.", "subsample.conv_layers.")
            if inside.startswith("layers."):
                inside = f"transformer_{inside}"
            name = speech + inside
        name = name.replace("lm_head.", "decoder.output_projection.")
        named[name.replace("ctc_head.", ctc)] = value
    named["decoder.version"] = torch.tensor([3.0])
    named[f"{speech}embed_positions._float_tensor"] = torch.zeros(1)
    return named


@pytest.mark.parametrize(
    ("speech", "ctc"),
    [("encoder.spch_encoder.", "encoder.spch_encoder.ctc_proj."), ("encoder.", "ctc_proj.")],
)
def test_a_checkpoint_of_either_kind_gives_equal_outputs(
    speech: str, ctc: str, tmp_path: Path
) -> None:
    theirs, ours = made(0), made(1)
    state = as_fairseq(theirs, speech, ctc)
    if speech != "encoder.":
        state["encoder.text_encoder_aux.layers.0.fc1.weight"] = torch.ones(3, 3)
    torch.save({"model": state, "args": None}, tmp_path / "model.pt")
    report = load_fairseq(ours, tmp_path / "model.pt")
    frames, n = torch.randn(2, 12, 40), torch.tensor([40, 21])
    tokens = torch.tensor([[5, 6, 2], [7, 2, 1]])
    one, two = (each.encode(frames, n) for each in (theirs, ours))
    assert torch.equal(one.hidden, two.hidden)
    assert torch.equal(theirs.ctc_logits(one), ours.ctc_logits(two))
    assert torch.equal(theirs.logits(one, tokens), ours.logits(two, tokens))
    assert report.unexpected == tuple(key for key in state if "text_encoder_aux" in key)
    assert report.missing == ()
    renamed = report.renamed[f"{speech}transformer_layers.1.fc1.weight"]
    assert renamed == "model.model.encoder.layers.1.fc1.weight"


def test_what_a_pre_trained_encoder_lacks_keeps_its_weights(tmp_path: Path) -> None:
    theirs, ours = made(0), made(1)
    state = as_fairseq(theirs, "encoder.spch_encoder.", "encoder.ctc_proj.")
    state = {name: value for name, value in state.items() if not name.startswith("decoder.")}
    torch.save({"model": state}, tmp_path / "model.pt")
    before = ours.decoder.layers[0].fc1.weight.clone()
    report = load_fairseq(ours, tmp_path / "model.pt")
    assert torch.equal(ours.decoder.layers[0].fc1.weight, before)
    assert torch.equal(ours.encoder.layers[0].fc1.weight, theirs.encoder.layers[0].fc1.weight)
    assert report.missing
    assert all("decoder" in name or "lm_head" in name for name in report.missing)


def test_a_tied_projection_is_the_embedding(tmp_path: Path) -> None:
    theirs, ours = made(0), made(1)
    state = as_fairseq(theirs, "encoder.", "ctc_proj.")
    del state["decoder.output_projection.weight"]
    torch.save({"model": state}, tmp_path / "model.pt")
    assert load_fairseq(ours, tmp_path / "model.pt").missing == ()
    assert torch.equal(ours.model.lm_head.weight, theirs.decoder.embed_tokens.weight)


def test_bookkeeping_is_left_out() -> None:
    assert rename_fairseq(["decoder.version", "encoder.embed_positions._float_tensor"]) == {}


def test_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    torch.save({"model": {"bert.weight": torch.ones(2, 2)}}, tmp_path / "other.pt")
    with pytest.raises(EarShotError, match="keys such as bert.weight"):
        load_fairseq(made(0), tmp_path / "other.pt")
    state = as_fairseq(made(0), "encoder.", "ctc_proj.")
    state["decoder.layer_norm.weight"] = torch.ones(7)
    torch.save({"model": state}, tmp_path / "wide.pt")
    ours = made(1)
    before = ours.encoder.layers[0].fc1.weight.clone()
    with pytest.raises(EarShotError, match=r"another shape: .*layer_norm.weight \[7\] for \[32\]"):
        load_fairseq(ours, tmp_path / "wide.pt")
    assert torch.equal(ours.encoder.layers[0].fc1.weight, before)
