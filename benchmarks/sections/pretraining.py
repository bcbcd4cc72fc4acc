"""Steps of pre-training against the same steps written plainly with `transformers`.

Of each pair the sizes, clips and optimiser are the same. The peer is what the library's pages show:
its feature extractor on every batch, its model, its masks and negatives (wav2vec 2.0), and where it
has no pre-training head (w2v-BERT, SSAST on AST) its model with the paper's losses in few lines.
"From frames" leaves the front ends out on both sides.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from figures import Figure, alternate, ratio, repeated

RATE, BATCH, SECONDS, STEPS = 16_000, 4, 3.0, 2
Steps = Callable[[], None]


def measure(tiny: bool, n_pairs: int) -> tuple[list[Figure], dict[str, Any]]:
    """Ratios of steps a second, with and without the front ends."""
    dim, depth = (32, 2) if tiny else (256, 4)
    seconds = 1.0 if tiny else SECONDS
    clips = [
        (0.1 * np.random.default_rng(i).standard_normal(round(RATE * seconds))).astype(np.float32)
        for i in range(2 if tiny else BATCH)
    ]
    figures = []
    for name, pair in (("wav2vec 2.0", _wav2vec2), ("w2v-BERT", _w2v_bert), ("SSAST", _ssast)):
        for whole in (True, False):
            theirs, ours = pair(clips, dim, depth, whole)
            took = alternate({"peer": theirs, "ours": ours}, n_pairs)
            what = name if whole else f"{name}, from frames"
            figures.append(ratio(what, took, "peer", "ours", at_least=1.0))
            rate = [STEPS * len(clips) / each for each in took["ours"]]
            figures.append(repeated(f"{what}: clips a second", rate, "clips/s"))
    return figures, {"clips": len(clips), "seconds": seconds, "dim": dim, "depth": depth}


def _stepping(model: nn.Module, loss_of: Callable[[], Tensor]) -> Steps:
    """A few updates of AdamW."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
    model.train()

    def steps() -> None:
        for _ in range(STEPS):
            loss = loss_of()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    return steps


def _batch(clips: list[np.ndarray]) -> tuple[Tensor, Tensor]:
    return torch.from_numpy(np.stack(clips)), torch.tensor([len(clip) for clip in clips])


def _wav2vec2(clips: list[np.ndarray], dim: int, depth: int, whole: bool) -> tuple[Steps, Steps]:
    from transformers import Wav2Vec2FeatureExtractor, Wav2Vec2ForPreTraining
    from transformers.models.wav2vec2.modeling_wav2vec2 import (
        _compute_mask_indices,
        _sample_negative_indices,
    )

    from earshot.encoders.wav2vec2 import Wav2Vec2Encoder, Wav2Vec2EncoderConfig
    from earshot.features import Waveform
    from earshot.models.pretraining.wav2vec2 import Wav2Vec2Pretraining

    sizes = Wav2Vec2EncoderConfig(
        dim=dim, depth=depth, n_heads=4, mlp_dim=4 * dim, conv_dim=dim, conv_norm="layer",
        pre_norm=True, dropout=0.0,
    )  # fmt: skip
    peer, extractor = Wav2Vec2ForPreTraining(sizes.library_config()), Wav2Vec2FeatureExtractor()
    ours, front_end = Wav2Vec2Pretraining(Wav2Vec2Encoder(sizes)), Waveform()
    ready = extractor(clips, sampling_rate=RATE, return_tensors="pt").input_values
    heard = front_end(*_batch(clips))

    def plain() -> Tensor:
        values = ready
        if whole:
            values = extractor(clips, sampling_rate=RATE, return_tensors="pt").input_values
        length = int(peer._get_feat_extract_output_lengths(values.shape[1]))
        shape = (len(clips), length)
        masked = _compute_mask_indices(shape, 0.65, 10)
        negatives = _sample_negative_indices(shape, 100, masked)
        found = peer(
            values,
            mask_time_indices=torch.from_numpy(masked),
            sampled_negative_indices=torch.from_numpy(negatives),
        )
        return found.loss / int(masked.sum())

    def own() -> Tensor:
        return ours(*(front_end(*_batch(clips)) if whole else heard))["loss"]

    return _stepping(peer, plain), _stepping(ours, own)


def _w2v_bert(clips: list[np.ndarray], dim: int, depth: int, whole: bool) -> tuple[Steps, Steps]:
    from transformers import SeamlessM4TFeatureExtractor

    from earshot.encoders.conformer import Conformer, ConformerConfig
    from earshot.features import KaldiFbank, KaldiFbankConfig
    from earshot.layers.gumbel_quantizer import GumbelQuantizerConfig
    from earshot.models.pretraining.w2v_bert import W2vBertConfig, W2vBertForPreTraining

    sizes = ConformerConfig(dim=dim, depth=depth, n_heads=4, inner_dim=4 * dim)
    books = GumbelQuantizerConfig(n_codes=320, dim=dim)
    task = W2vBertConfig(contrastive_depth=depth // 2, quantizer=books, shared_dim=dim)
    ours = W2vBertForPreTraining(Conformer(sizes), task)
    front_end = KaldiFbank(KaldiFbankConfig.w2v_bert())
    extractor = SeamlessM4TFeatureExtractor()
    peer = _PlainW2vBert(sizes.library_config(), depth // 2, books.n_codes)

    def features() -> Tensor:
        return extractor(clips, sampling_rate=RATE, return_tensors="pt").input_features

    ready, heard = features(), front_end(*_batch(clips))

    def plain() -> Tensor:
        return peer(features() if whole else ready)

    def own() -> Tensor:
        return ours(*(front_end(*_batch(clips)) if whole else heard))["loss"]

    return _stepping(peer, plain), _stepping(ours, own)


class _PlainW2vBert(nn.Module):
    """`transformers`' Conformer and quantiser, with the losses of arXiv:2108.06209."""

    def __init__(self, config: Any, tap: int, n_codes: int) -> None:
        super().__init__()
        from transformers import Wav2Vec2BertModel, Wav2Vec2Config
        from transformers.models.wav2vec2.modeling_wav2vec2 import Wav2Vec2GumbelVectorQuantizer

        dim = config.hidden_size
        self.tap, self.model = tap, Wav2Vec2BertModel(config)
        self.quantizer = Wav2Vec2GumbelVectorQuantizer(
            Wav2Vec2Config(
                num_codevector_groups=1,
                num_codevectors_per_group=n_codes,
                codevector_dim=dim,
                conv_dim=(config.feature_projection_input_dim,),
                conv_stride=(1,),
                conv_kernel=(1,),
            )
        )
        self.project_hid, self.project_q = nn.Linear(dim, dim), nn.Linear(dim, dim)
        self.head = nn.Linear(dim, n_codes)

    def forward(self, features: Tensor) -> Tensor:
        """features [batch, positions, dim] -> the loss."""
        from transformers import Wav2Vec2ForPreTraining
        from transformers.models.wav2vec2.modeling_wav2vec2 import (
            _compute_mask_indices,
            _sample_negative_indices,
        )

        shape = tuple(features.shape[:2])
        found = _compute_mask_indices(shape, 0.65, 10)
        negatives = torch.from_numpy(_sample_negative_indices(shape, 100, found))
        masked = torch.from_numpy(found)
        quantized, perplexity = self.quantizer(features, mask_time_indices=masked)
        hidden = torch.where(masked[..., None], torch.randn_like(features), features)
        states = self.model(hidden, output_hidden_states=True).hidden_states
        truth = self.project_q(quantized)  # [batch, positions, dim]
        others = truth.flatten(0, 1)[negatives.flatten()].unflatten(0, negatives.shape)
        logits = Wav2Vec2ForPreTraining.compute_contrastive_logits(
            truth[None], others.permute(2, 0, 1, 3), self.project_hid(states[self.tap]), 0.1
        )
        same = (truth == others.permute(2, 0, 1, 3)).all(-1)
        if same.any():
            logits[1:][same] = float("-inf")
        told = logits.permute(1, 2, 0)[masked]  # [hidden, 1 + negatives]
        contrast = F.cross_entropy(told, told.new_zeros(len(told), dtype=torch.long))
        codes = self.quantizer.weight_proj(features).argmax(-1)[masked]
        predicted = F.cross_entropy(self.head(states[-1][masked]), codes)
        n_codes = self.head.out_features
        return contrast + predicted + 0.1 * (n_codes - perplexity) / n_codes


def _ssast(clips: list[np.ndarray], dim: int, depth: int, whole: bool) -> tuple[Steps, Steps]:
    from transformers import ASTFeatureExtractor

    from earshot.encoders.spectrogram_transformer import (
        SpectrogramTransformer,
        SpectrogramTransformerConfig,
    )
    from earshot.features import KaldiFbank, KaldiFbankConfig
    from earshot.models.pretraining.masked_spectrogram import MaskedSpectrogram

    n_frames = (len(clips[0]) // 160) // 16 * 16
    front_end = KaldiFbank(KaldiFbankConfig.ast())
    sizes = SpectrogramTransformerConfig(
        dim=dim, depth=depth, n_heads=4, mlp_dim=4 * dim, most_frames=n_frames,
        fill=front_end.pad_value,
    )  # fmt: skip
    ours = MaskedSpectrogram(SpectrogramTransformer(sizes))
    extractor = ASTFeatureExtractor(max_length=n_frames)
    peer = _PlainSsast(dim, depth, n_frames)

    def features() -> Tensor:
        return extractor(clips, sampling_rate=RATE, return_tensors="pt").input_values

    def frames() -> tuple[Tensor, Tensor]:
        log_mel, n = front_end(*_batch(clips))
        return log_mel[..., :n_frames], n.clamp(max=n_frames)

    ready, heard = features(), frames()

    def plain() -> Tensor:
        return peer(features() if whole else ready)

    def own() -> Tensor:
        return ours(*(frames() if whole else heard))["loss"]

    return _stepping(peer, plain), _stepping(ours, own)


class _PlainSsast(nn.Module):
    """`transformers`' ASTModel with both tasks of arXiv:2110.09784 on patches hidden anywhere."""

    def __init__(self, dim: int, depth: int, n_frames: int) -> None:
        super().__init__()
        from transformers import ASTConfig, ASTModel

        self.model = ASTModel(
            ASTConfig(
                hidden_size=dim,
                num_hidden_layers=depth,
                num_attention_heads=4,
                intermediate_size=4 * dim,
                frequency_stride=16,
                time_stride=16,
                max_length=n_frames,
                hidden_dropout_prob=0.0,
                attention_probs_dropout_prob=0.0,
            )
        )
        self.mask = nn.Parameter(torch.zeros(dim))
        self.identify, self.draw = (
            nn.Sequential(nn.Linear(dim, dim), nn.ReLU(), nn.Linear(dim, 256)) for _ in range(2)
        )

    def forward(self, features: Tensor) -> Tensor:
        """features [batch, frames, 128] -> the loss."""
        patches = F.unfold(features.transpose(1, 2)[:, None], 16, stride=16).transpose(1, 2)
        n_hidden = round(0.78 * patches.shape[1])
        states, target = self._hide(features, patches, n_hidden)
        logits = self.identify(states) @ target.transpose(1, 2)  # [batch, hidden, hidden]
        truth = torch.arange(n_hidden).expand(len(features), -1)
        told = F.cross_entropy(logits.flatten(0, 1), truth.flatten())
        states, target = self._hide(features, patches, n_hidden)
        return told + 10 * F.mse_loss(self.draw(states), target)

    def _hide(self, features: Tensor, patches: Tensor, n: int) -> tuple[Tensor, Tensor]:
        place = torch.rand(patches.shape[:2]).argsort(1)[:, :n]
        embedded = self.model.embeddings.patch_embeddings(features)
        index = place[..., None].expand(-1, -1, embedded.shape[2])
        embedded = embedded.scatter(1, index, self.mask.expand(*place.shape, -1))
        parts = self.model.embeddings
        special = [token.expand(len(features), -1, -1)
                   for token in (parts.cls_token, parts.distillation_token)]  # fmt: skip
        hidden = torch.cat([*special, embedded], 1) + parts.position_embeddings
        for layer in self.model.layers:
            hidden = layer(hidden, None)
        states = self.model.layernorm(hidden)[:, 2:].gather(1, index)
        pixels = place[..., None].expand(-1, -1, patches.shape[2])
        return states, patches.gather(1, pixels)
