"""What is said to a model: messages of text and sound, in the order given."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from typing import Any, Literal

from earshot.core.errors import EarShotError

FORMATS = ("wav", "mp3", "flac", "ogg")
Sounds = Literal["input_audio", "audio_url"]  # how they stand in a request


@dataclass(frozen=True)
class TextPart:
    """Some words."""

    text: str


@dataclass(frozen=True)
class AudioPart:
    """An encoded sound: the bytes of a file, of a format that the endpoint takes (all take wav)."""

    data: bytes
    format: str = "wav"

    def __post_init__(self) -> None:
        if self.format not in FORMATS or not self.data:
            raise EarShotError(
                got=f"{len(self.data)} bytes of {self.format!r} as a sound for a language model",
                expected=f"the bytes of a file, as one of {', '.join(FORMATS)}",
                mend="Encode the sound as wav.",
            )


@dataclass(frozen=True)
class Message:
    """One turn of a conversation."""

    role: Literal["system", "user", "assistant"]
    parts: tuple[TextPart | AudioPart, ...]


def user(*parts: str | AudioPart) -> Message:
    """A user's turn; strings become text parts."""
    return Message("user", tuple(TextPart(p) if isinstance(p, str) else p for p in parts))


def as_request(message: Message, sounds: Sounds = "input_audio") -> dict[str, Any]:
    """The message as the chat API has it; one of text alone is a plain string.

    A sound is an `input_audio` part: base64 without a "data:" before it, and the format. Servers
    that know no such part may take an `audio_url` with a data URI, as vLLM's and transformers' do.
    """
    if all(isinstance(part, TextPart) for part in message.parts):
        text = "\n".join(part.text for part in message.parts if isinstance(part, TextPart))
        return {"role": message.role, "content": text}
    return {"role": message.role, "content": [_part(part, sounds) for part in message.parts]}


def as_fact(message: Message) -> dict[str, Any]:
    """The message for a digest: sounds by the digest of their bytes."""
    parts = [
        {"text": part.text}
        if isinstance(part, TextPart)
        else {"audio": hashlib.sha256(part.data).hexdigest(), "format": part.format}
        for part in message.parts
    ]
    return {"role": message.role, "parts": parts}


def _part(part: TextPart | AudioPart, sounds: Sounds) -> dict[str, Any]:
    if isinstance(part, TextPart):
        return {"type": "text", "text": part.text}
    data = base64.b64encode(part.data).decode()
    if sounds == "audio_url":
        url = f"data:audio/{part.format};base64,{data}"
        return {"type": "audio_url", "audio_url": {"url": url}}
    return {"type": "input_audio", "input_audio": {"data": data, "format": part.format}}
