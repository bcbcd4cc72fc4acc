"""Two losses that LAION's code offers beside InfoNCE; every released model was trained without."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from earshot.core.errors import EarShotError
from earshot.objectives.gather import gather_rows
from earshot.objectives.infonce import check_finite, check_pairs, cross_entropy


class FourTermInfoNCE(nn.Module):
    """InfoNCE between each raw tower and the other one's transformed embedding: four terms.

    Source: LAION-CLAP's `mlp_loss`; the transforms are 512-512-512 MLPs of the model.
    """

    def forward(
        self,
        audio_embeddings: Tensor,
        text_embeddings: Tensor,
        audio_transformed: Tensor,
        text_transformed: Tensor,
        scale: Tensor,
    ) -> Tensor:
        """Mean loss in nats over embeddings [batch, dim], all unit rows and paired by row."""
        raw = [audio_embeddings.float(), text_embeddings.float()]
        transformed = [audio_transformed.float(), text_transformed.float()]
        for pair in (raw, transformed):
            check_pairs(*pair)
        with torch.autocast(audio_embeddings.device.type, enabled=False):
            audio, text, audio_t, text_t = (gather_rows(rows) for rows in (*raw, *transformed))
            target = torch.eye(len(audio), device=audio.device)
            terms = []
            for rows, columns in ((audio, text_t), (audio_t, text)):
                logits = scale.float() * rows @ columns.T  # [all rows, all rows]
                terms += [cross_entropy(logits, target), cross_entropy(logits.T, target)]
            return check_finite(torch.stack(terms).mean())


class KappaInfoNCE(nn.Module):
    """InfoNCE whose rows weigh more the more alike they are to the rest of their own modality.

    Row i weighs exp(mean_j x_i . x_j / kappa) with x the audio embeddings in the audio-to-text
    term and the text embeddings in the other; no gradient flows through the weights.
    Source: LAION-CLAP's `kappa`.
    """

    def __init__(self, kappa: float):
        super().__init__()
        if kappa <= 0:
            raise EarShotError(
                got=f"kappa={kappa:g}", expected="a number above 0", mend="Try 1, or leave it out."
            )
        self.kappa = kappa

    def forward(self, audio_embeddings: Tensor, text_embeddings: Tensor, scale: Tensor) -> Tensor:
        """Mean loss in nats over embeddings [batch, dim], unit rows, paired by row."""
        with torch.autocast(audio_embeddings.device.type, enabled=False):
            audio, text = audio_embeddings.float(), text_embeddings.float()
            check_pairs(audio, text)
            audio, text = gather_rows(audio), gather_rows(text)
            target = torch.eye(len(audio), device=audio.device)
            logits = scale.float() * audio @ text.T  # [all rows, all rows]
            loss = cross_entropy(logits, target, self.weights(audio))
            return check_finite((loss + cross_entropy(logits.T, target, self.weights(text))) / 2)

    def weights(self, embeddings: Tensor) -> Tensor:
        """How much each row counts, [rows]."""
        rows = embeddings.detach()
        return ((rows @ rows.T).mean(1) / self.kappa).exp()
