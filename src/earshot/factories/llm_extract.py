"""What is heard in a clip, asked of a language model with ears in three turns of one chat."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from earshot.audio import AudioError
from earshot.audio.encode import wav_bytes
from earshot.core.fingerprint import fingerprint
from earshot.factories.extract import NAME
from earshot.factories.item import Item
from earshot.factories.sounds import read_sound
from earshot.llm import AudioPart, LlmClient, Message, TextPart, user
from earshot.llm.client import LlmError
from earshot.llm.prompt_files import read_prompt
from earshot.llm.usage import Usage

TURNS = {"description": "hear_v1", "speech": "hear_speech_v1", "music": "hear_music_v1"}
SENT_RATE = 16_000  # Hz; what audio language models hear
SENT_S = 30.0  # more is cut off by most of them
CHARACTERS = (100, 500)  # of the three lines together
RUNS = 2


class LlmExtractor:
    """Notes `description`, `speech` and `music` from three turns with one history.

    The first turn sends the sound; the others ask about speech and music going by what was said.
    Where the three lines ("Description: ...", "Speech: ...", "Music: ...") have fewer than 100 or
    more than 500 characters together, the chat is held once more; the last one stays, as it came.
    Source: arXiv:2411.18953, content extraction (Qwen-Audio-Chat). Differs: instructions of our
    own; line breaks inside an answer become spaces, so that no line is taken for another.
    """

    name = NAME
    needs_audio = True

    def __init__(
        self,
        client: LlmClient,
        *,
        characters: tuple[int, int] = CHARACTERS,
        runs: int = RUNS,
        prompts: dict[str, str] | None = None,
    ) -> None:
        self.client, self.characters, self.runs = client, characters, runs
        names = prompts or TURNS
        self.questions = {kind: read_prompt(name) for kind, name in names.items()}

    @property
    def identity(self) -> str:
        """Digest of prompts, model, sampling and limits."""
        facts = {"prompts": self.questions, "gate": [*self.characters, self.runs],
                 "sent": [SENT_RATE, SENT_S]}  # fmt: skip
        return f"llm-{fingerprint({**facts, **self.client.config.options})}"

    @property
    def usage(self) -> Usage:
        """What its calls came to."""
        return self.client.usage

    def work(self, items: Sequence[Item]) -> Iterator[Item]:
        """As many items, in order; several chats at a time, each of them one turn after another."""
        for item, noted in zip(items, self.client.map(items, self._noted), strict=True):
            yield item.fail(NAME, "no_answer", str(noted)) if isinstance(noted, LlmError) else noted

    def _noted(self, item: Item) -> Item:
        try:
            sound = AudioPart(wav_bytes(read_sound(item, SENT_RATE, SENT_S)))
        except AudioError as fault:
            return item.fail(NAME, "unreadable", str(fault))
        notes: dict[str, str] = {}
        low, high = self.characters
        for run in range(self.runs):
            notes = self._chat(sound, run)
            if low <= len(as_lines(notes)) <= high:
                break
        return item.with_(notes={**item.notes, **notes})

    def _chat(self, sound: AudioPart, run: int) -> dict[str, str]:
        """The answers of one chat, by kind."""
        history: list[Message] = []
        notes = {}
        for kind, question in self.questions.items():
            history.append(user(question) if history else user(sound, question))
            answer = self.client.ask(history, take=run).text
            history.append(Message("assistant", (TextPart(answer),)))
            notes[kind] = " ".join(answer.split())
        return notes


def as_lines(notes: dict[str, str]) -> str:
    """The notes as the paper keeps them: a line each, behind its kind."""
    return "\n".join(f"{kind.capitalize()}: {note}" for kind, note in notes.items())
