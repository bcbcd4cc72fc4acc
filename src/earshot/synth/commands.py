"""Spoken commands: what a house is told to do, in many wordings, each naming one intent."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from earshot.audio import Audio
from earshot.core.errors import EarShotError, unknown_name
from earshot.core.seed import generator
from earshot.data.clip import Clip
from earshot.data.clip_set import ClipSet
from earshot.synth.speech import VOICES, speak

TEMPLATES = (
    "{do}", "please {do}", "{do} please", "could you {do}", "now {do}", "i want you to {do}",
    "{do} right now", "it is time to {do}", "hey {do}", "{do} for me",
)  # fmt: skip
SLOTS = {
    "room": ("kitchen", "bedroom", "hall", "bathroom"),
    "lamp": ("light", "lights", "lamp"),
    "kin": ("mother", "father", "sister", "doctor"),
    "hour": ("six", "seven", "nine", "noon"),
    "music": ("music", "a song", "some jazz", "the piano"),
    "sound": ("sound", "volume", "radio"),
    "door": ("door", "gate", "front door"),
    "dog": ("dog", "puppy", "hound"),
    "cat": ("cat", "kitten"),
    "plants": ("plants", "flowers", "roses"),
    "cup": ("coffee", "a cup of coffee", "an espresso"),
    "car": ("car", "engine", "motor"),
    "floor": ("floor", "carpet", "rug"),
}
INTENTS = {  # how each may be put, {slot} for one of the words above
    "turn on the light": (
        "turn on the {lamp} in the {room}", "switch on the {lamp}", "light up the {room}",
        "turn the {lamp} on",
    ),
    "play music": ("play {music}", "let me hear {music}", "start {music}", "put on {music}"),
    "set an alarm": (
        "set an alarm for {hour}", "ring the alarm at {hour}", "wake me up at {hour}",
        "set the alarm clock to {hour}",
    ),
    "make coffee": ("make {cup}", "brew {cup}", "pour me {cup}", "get me {cup}"),
    "open the door": ("open the {door}", "unlock the {door}", "open up the {door}"),
    "start the car": ("start the {car}", "start up the {car}", "get the {car} running"),
    "feed the dog": ("feed the {dog}", "give the {dog} its food", "give food to the {dog}"),
    "stroke the cat": ("stroke the {cat}", "pet the {cat}", "cuddle the {cat}"),
    "call someone on the phone": (
        "call my {kin}", "phone my {kin}", "ring up my {kin}", "call the {kin} on the phone",
    ),
    "clean the floor": (
        "clean the {floor}", "vacuum the {floor} in the {room}", "sweep the {floor}",
        "mop the {floor}",
    ),
    "water the plants": ("water the {plants}", "spray the {plants}", "give the {plants} water"),
    "turn down the volume": (
        "turn down the {sound}", "make the {sound} quieter", "lower the {sound}",
        "turn the {sound} down",
    ),
    "tell me about the weather": (
        "tell me the weather", "say if it will rain at {hour}", "say if the wind blows",
        "tell me about rain and storm",
    ),
    "run a bath": (
        "run a bath", "fill the bathtub with water", "fill the tub", "let water into the tub",
    ),
}  # fmt: skip
PAUSE_S = (0.02, 0.06)  # between words
PACE = 1.5  # words are short


@dataclass(frozen=True)
class CommandConfig:
    """How many commands, of which intents, and how they sound."""

    intents: tuple[str, ...] = tuple(INTENTS)
    n_train: int = 1_000  # clips, over the intents alike and the voices of training
    n_test: int = 280  # clips, over the intents alike and the other voices
    n_test_voices: int = 2  # that no training clip has; which ones, the seed says
    takes: int = 2  # ways in which a voice says a word
    sample_rate: int = 8_000  # Hz
    snr_db: tuple[float, float] = (10.0, 30.0)  # the voice against white noise

    def __post_init__(self) -> None:
        for intent in self.intents:
            if intent not in INTENTS:
                raise unknown_name("intent", intent, INTENTS)
        counts = min(self.n_train, self.n_test, self.takes, len(self.intents) - 1)
        if counts < 1 or not 0 < self.n_test_voices < len(VOICES):
            raise EarShotError(
                got=f"{self.n_train} and {self.n_test} clips of {len(self.intents)} intents, "
                f"{self.takes} takes, {self.n_test_voices} voices for the test",
                expected=f"two intents, a clip and a take of each, 1 to {len(VOICES) - 1} voices",
                mend="Change these fields.",
            )


def command_clips(seed: int, config: CommandConfig | None = None) -> ClipSet:
    """Splits "train" and "test" in memory; the caption of a clip is its transcript.

    The label is the intent. Voices of the test are in no training clip; transcripts may be. Words
    are spoken by the formant voice, which is there on every machine, one by one, and joined.
    """
    config = config or CommandConfig()
    order = [VOICES[i] for i in generator(seed, "command voices").permutation(len(VOICES))]
    voices = {"test": order[: config.n_test_voices], "train": order[config.n_test_voices :]}
    clips = [
        _clip(seed, split, index, voices[split], config)
        for split, n_clips in (("train", config.n_train), ("test", config.n_test))
        for index in range(n_clips)
    ]
    return ClipSet(clips, name="commands", labels=sorted(config.intents))


def command(intent: str, rng: np.random.Generator) -> str:
    """One wording of the intent: a template around one way to put it, its slots filled."""
    ways = INTENTS[intent]
    way = ways[int(rng.integers(len(ways)))]
    filled = {slot: words[int(rng.integers(len(words)))] for slot, words in SLOTS.items()}
    template = TEMPLATES[int(rng.integers(len(TEMPLATES)))]
    return template.format(do=way.format(**filled))


def _clip(seed: int, split: str, index: int, voices: list[str], config: CommandConfig) -> Clip:
    rng = generator(seed, index, f"command {split}")
    intent = config.intents[index % len(config.intents)]
    text = command(intent, rng)
    voice = voices[int(rng.integers(len(voices)))]
    parts = []
    for word in text.split():
        parts.append(spoken_word(word, voice, int(rng.integers(config.takes)), config.sample_rate))
        parts.append(np.zeros(round(rng.uniform(*PAUSE_S) * config.sample_rate), np.float32))
    said = np.concatenate(parts)
    level = np.sqrt(np.mean(said**2)) * 10 ** (-rng.uniform(*config.snr_db) / 20)
    heard = said + level * rng.standard_normal(len(said), dtype=np.float32)
    heard *= rng.uniform(0.3, 0.9) / np.abs(heard).max()
    return Clip(
        audio=Audio(heard.astype(np.float32), config.sample_rate),
        captions=(text,),
        labels=(intent,),
        split=split,
        id=f"{split}-{seed}-{index:05d}",
        group=voice,
        extra={"voice": voice},
    )


@lru_cache(maxsize=4_096)
def spoken_word(word: str, voice: str, take: int, sample_rate: int) -> np.ndarray:
    """A word [samples] in one voice; takes differ in pitch, pace and the voice's own noise."""
    rng = generator("take", take, voice)
    return speak(
        word,
        voice=voice,
        pitch=float(rng.uniform(0.85, 1.15)),
        speed=PACE * float(rng.uniform(0.85, 1.2)),
        sample_rate=sample_rate,
        seed=take,
        engine="formant",
    ).waveform
