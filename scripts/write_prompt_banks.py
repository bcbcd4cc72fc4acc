"""Write the prompt banks that come with EarShot: the lexicons' words, in captions, by rule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from earshot.synth.sounds import SOUNDS
from earshot.text.lexicon import (
    Lexicon,
    SoundWords,
    audioset_lexicon,
    read_lexicon,
    shipped_lexicon,
)
from earshot.text.prompt_augmentation import RulePrompter, augment_prompts
from earshot.text.prompt_bank import BankEntry, PromptBank

TEXT = Path(__file__).parents[1] / "src" / "earshot" / "text"
BANKS = TEXT / "banks"
LICENCE = "Written by rule from EarShot's lexicons; Apache-2.0 like the rest."
SHARE_ALIKE = (
    "Written by rule from EarShot's descriptions of the classes of the AudioSet ontology (Google, "
    "https://github.com/audioset/ontology). The ontology's names and ids are under CC BY-SA 4.0, "
    "and so is this file."
)
ESC50 = {  # label -> (the lexicon's sound, other names of the label)
    "dog": ("dog bark", ["dog bark"]),
    "rooster": ("rooster", []),
    "pig": ("pig", []),
    "cow": ("cow", []),
    "frog": ("frog", []),
    "cat": ("cat meow", []),
    "hen": ("hen", []),
    "insects": ("bee", []),
    "sheep": ("sheep", []),
    "crow": ("crow", []),
    "rain": ("rain", []),
    "sea waves": ("sea waves", []),
    "crackling fire": ("crackling fire", ["fire crackling"]),
    "crickets": ("crickets", []),
    "chirping birds": ("songbird", []),
    "water drops": ("dripping water", []),
    "wind": ("wind", []),
    "pouring water": ("pouring water", []),
    "toilet flush": ("toilet flush", []),
    "thunderstorm": ("thunder", []),
    "crying baby": ("crying baby", ["baby cry"]),
    "sneezing": ("sneeze", ["person sneeze"]),
    "clapping": ("clapping", []),
    "breathing": ("breathing", []),
    "coughing": ("cough", []),
    "footsteps": ("footsteps", []),
    "laughing": ("laughter", []),
    "brushing teeth": ("brushing teeth", []),
    "snoring": ("snoring", []),
    "drinking sipping": ("drinking and sipping", []),
    "door wood knock": ("door knock", []),
    "mouse click": ("mouse click", []),
    "keyboard typing": ("typing", []),
    "door wood creaks": ("door creak", []),
    "can opening": ("can opening", []),
    "washing machine": ("washing machine", []),
    "vacuum cleaner": ("vacuum cleaner", []),
    "clock alarm": ("alarm clock", []),
    "clock tick": ("clock tick", []),
    "glass breaking": ("breaking glass", []),
    "helicopter": ("helicopter", []),
    "chainsaw": ("chainsaw", []),
    "siren": ("siren", []),
    "car horn": ("car horn", []),
    "engine": ("engine idling", []),
    "train": ("train", []),
    "church bells": ("church bell", []),
    "airplane": ("airplane", []),
    "fireworks": ("fireworks", []),
    "hand saw": ("hand saw", []),
}
INSTRUMENTS = {
    "acoustic guitar": "guitar",
    "bass drum": "drum",
    "cello": "cello",
    "clarinet": "clarinet",
    "double bass": "double bass",
    "flute": "flute",
    "hi hat": "hi-hat",
    "saxophone": "saxophone",
    "snare drum": "snare drum",
    "violin or fiddle": "violin",
}
_GERMAN = "symbols/alphabets/german"
STAMPS = {  # the categories of Tux Paint's stamps that have sound effects -> sounds that suit them
    "animals/birds": ["songbird", "crow", "duck", "owl"],
    "animals/insects": ["bee", "crickets"],
    "animals/mammals/apes": ["monkey"],
    "animals/mammals/aquatic": ["whale", "dolphin"],
    "animals/mammals/bears": ["bear"],
    "animals/mammals/bovines": ["cow", "sheep", "goat"],
    "animals/mammals/camel": ["camel"],
    "animals/mammals/cats": ["cat meow", "lion"],
    "animals/mammals/deer": ["deer"],
    "animals/mammals/dogs": ["dog bark"],
    "animals/mammals/equines": ["horse", "donkey"],
    "animals/mammals/rodents": ["mouse"],
    "animals/mammals": ["elephant", "pig"],
    "animals/marsupials": ["koala"],
    "food/fruit": ["chewing"],
    "hobbies": ["camera shutter"],
    "hobbies/music/percussion": ["drum kit", "cymbal"],
    "hobbies/music/string": ["violin", "cello"],
    "hobbies/music/wind": ["bassoon"],
    "household": ["washing machine", "kettle whistle", "toilet flush", "vacuum cleaner"],
    "household/tools": ["hammering", "hand saw", "vacuum cleaner"],
    "household/dishes": ["kettle whistle", "glass clink"],
    "household/arttools": ["scissors"],
    "military": ["trumpet"],
    "naturalforces": ["thunder"],
    "seasonal/christmas": ["sleigh bells"],
    "seasonal/halloween": ["cat meow", "scream"],
    "seasonal/hanukkah": ["speech"],
    "space": ["rumble"],
    f"{_GERMAN}/filled/lowercase": ["speech"],
    f"{_GERMAN}/filled/uppercase": ["speech"],
    f"{_GERMAN}/outlined/lowercase": ["speech"],
    f"{_GERMAN}/outlined/uppercase": ["speech"],
    "symbols/faces": ["laughter", "crying"],
    "symbols/math": ["speech"],
    "town/flags": ["car passing by"],
    "town/roadsigns": ["car passing by", "car horn"],
    "vehicles/emergency": ["siren"],
    "vehicles/ship/cartoon": ["sonar ping", "boat engine"],
}


def banks() -> list[PromptBank]:
    """All banks."""
    words = shipped_lexicon()
    esc = {label: [sound] for label, (sound, _) in ESC50.items()}
    names = {label: also for label, (_, also) in ESC50.items()}
    kinds = {name: sound.synonyms for name, sound in SOUNDS.items()}
    digits = Lexicon(read_lexicon(TEXT / "lexicons" / "digits.jsonl"))
    return [
        _bank("esc50", esc, words, names),
        _bank("instruments", {label: [sound] for label, sound in INSTRUMENTS.items()}, words),
        _digits(digits),
        _stamps(words),
        augment_prompts(list(kinds), RulePrompter(words), name="kinds", about=LICENCE, also=kinds),
        augment_prompts(
            [sound.name for sound in audioset_lexicon().sounds],
            RulePrompter(audioset_lexicon()),
            name="audioset",
            about=SHARE_ALIKE,
            also={sound.name: sound.also for sound in audioset_lexicon().sounds},
        ),
    ]


def _bank(
    name: str,
    sounds: Mapping[str, Sequence[str]],
    words: Lexicon,
    also: Mapping[str, Sequence[str]] | None = None,
) -> PromptBank:
    """A bank of labels under their own names, described as sounds of the lexicon."""
    known = [
        SoundWords(label, (), tuple(like for each in which for like in _sound(words, each).like))
        for label, which in sounds.items()
    ]
    return augment_prompts(
        list(sounds), RulePrompter(Lexicon(known)), name=name, about=LICENCE, also=also
    )


def _stamps(words: Lexicon) -> PromptBank:
    """A category is told by the sounds in it, each under its own name."""
    rule = RulePrompter(words)
    entries = []
    for label, which in STAMPS.items():
        prompts = [
            text
            for each in which
            for like in _sound(words, each).like
            for text in rule.compose(each, like)[:2]
        ]
        entries.append(BankEntry(label, tuple(prompts)))
    return PromptBank(tuple(entries), "stamps", LICENCE)


def _digits(words: Lexicon) -> PromptBank:
    """Spoken digits: a person says the word."""
    frames = ("a person says {label}: {like}", "the spoken word {label}, {like}")
    entries = [
        BankEntry(
            each.name,
            tuple(
                frame.format(label=each.name, like=like) for like in each.like for frame in frames
            ),
            each.also,
        )
        for each in words.sounds
    ]
    return PromptBank(tuple(entries), "digits", LICENCE)


def _sound(words: Lexicon, name: str) -> SoundWords:
    found = words.of(name)
    assert found is not None, name
    return found


if __name__ == "__main__":
    for bank in banks():
        bank.write(BANKS / f"{bank.name}.jsonl")
        print(f"{bank.name}: {len(bank)} labels")
