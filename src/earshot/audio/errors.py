"""The error of a sound that cannot be used."""

from __future__ import annotations

from earshot.core.errors import EarShotError


class AudioError(EarShotError):
    """A sound that cannot be used: one sentence with the file, the reason and the mend."""
