"""What a server lets strangers ask for."""

from __future__ import annotations

from dataclasses import dataclass

from earshot.core.errors import EarShotError

MAX_TEXT = 10_000  # characters of one text
MAX_TEXTS = 512  # of one request for embeddings
MAX_LABELS = 1_000
MAX_WHERE = 2_000  # characters of a filter
MAX_HITS = 1_000
MAX_JSON = 1_000_000  # bytes of a JSON body
MAX_JSON_AUDIO = 16_000_000  # bytes of one that may carry sound, in base64


@dataclass(frozen=True)
class Limits:
    """Bounds that keep one client from taking the server away from the others."""

    max_upload_mb: float = 50.0
    body_timeout_s: float = 60.0  # a request body has to be here by then
    max_sound_s: float = 600.0  # of an uploaded sound
    max_uploads: int = 32  # at once; more are told to come back
    max_waiting: int = 4_096  # texts and windows that wait for the model; more come back later

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not value > 0:
                raise EarShotError(
                    got=f"{name}={value:g}", expected="more than 0", mend=f"Raise {name}."
                )

    @property
    def max_upload_bytes(self) -> int:
        """The most bytes that an uploaded file may have."""
        return round(self.max_upload_mb * 1e6)
