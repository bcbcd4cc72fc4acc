"""What the shipped captioner may say: kinds of sound, what they are called, what is said unsure."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from earshot.synth import SOUNDS
from earshot.synth.kind import SoundKind
from earshot.synth.take import Take

SPEECH, MUSIC, NOISE, SILENCE = "speech", "music", "noise", "silence"


def _never(take: Take) -> np.ndarray:
    raise ValueError("this kind is recorded, not rendered")


def _recorded(
    name: str, category: str, nouns: tuple[str, ...], actions: tuple[str, ...]
) -> SoundKind:
    return SoundKind(name, category, _never, nouns, actions)


RECORDED = (
    _recorded(SPEECH, "voices", ("speech", "a voice", "a person speaking"),
              ("a person | speaks | speaking", "someone | talks | talking",
               "a person | says something | saying something")),
    _recorded(MUSIC, "music", ("music", "a piece of music"),
              ("music | plays | playing", "a melody | is played | being played")),
    _recorded(NOISE, "noise", ("a steady noise", "background noise", "a hiss"),
              ("noise | hisses | hissing", "a steady noise | goes on | going on")),
    _recorded("double bass", "music", ("a double bass", "a contrabass"),
              ("a double bass | plays | playing",
               "someone | plays the double bass | playing the double bass")),
    _recorded("bassoon", "music", ("a bassoon",), ("a bassoon | plays | playing",)),
    _recorded("goose", "animals", ("a goose", "a honking goose"), ("a goose | honks | honking",)),
    _recorded("hen", "animals", ("a hen", "a clucking hen"), ("a hen | clucks | clucking",)),
    _recorded("cuckoo", "animals", ("a cuckoo", "a cuckoo's call"),
              ("a cuckoo | calls | calling",)),
    _recorded("seagull", "animals", ("a seagull", "a seagull's cry"),
              ("a seagull | cries | crying",)),
    _recorded("bird", "animals", ("a bird", "a bird's call"), ("a bird | calls | calling",)),
    _recorded("horse neigh", "animals", ("a horse", "a horse's neigh"),
              ("a horse | neighs | neighing",)),
    _recorded("donkey", "animals", ("a donkey", "a donkey's bray"),
              ("a donkey | brays | braying",)),
    _recorded("elephant", "animals", ("an elephant",), ("an elephant | trumpets | trumpeting",)),
    _recorded("big cat", "animals", ("a big cat", "a growl"), ("a big cat | growls | growling",)),
    _recorded("animal", "animals", ("an animal", "the call of an animal"),
              ("an animal | calls | calling", "an animal | makes a sound | making a sound")),
)  # fmt: skip
INSTRUMENTS = (
    "synthesizer pad", "piano", "guitar", "bass guitar", "harp", "organ", "flute", "clarinet",
    "saxophone", "trumpet", "violin", "cello", "marimba", "accordion",
)  # fmt: skip
KINDS: dict[str, SoundKind] = {
    name: replace(kind, category="music") if name in INSTRUMENTS else kind
    for name, kind in [*SOUNDS.items(), *((kind.name, kind) for kind in RECORDED)]
}
OF_CONCEPT = {  # what earshot-small's sounds are called -> kinds
    "fire crackling": "crackling fire", "person sneeze": "sneeze", "baby cry": "crying baby",
    "hi hat": "hi-hat", "violin or fiddle": "violin", "acoustic guitar": "guitar",
    "bass drum": "drum", "drum kit": "drum",
    "blackbird": "songbird", "lark": "songbird", "gander": "goose", "turkey": "bird",
    "penguin": "bird", "quetzal": "bird", "vulture": "bird", "grasshopper": "crickets",
    "bull": "cow", "goat": "sheep", "lion": "big cat", "tiger": "big cat", "horse": "horse neigh",
    "chimpanzee": "animal", "sea lion": "animal", "bear": "animal", "bison": "animal",
    "camel": "animal", "caribou": "animal", "doe": "animal", "ferret": "animal",
    "hippopotamus": "animal", "beaver": "animal", "rabbit": "animal", "koala": "animal",
    "hand saw": "hand saw", "fire truck": "siren", "electric kettle": "bubbles",
    "rubber duck": "", "pair of closed scissors": "", "pair of open scissors": "",
    "bottle": "", "glass of water": "", "ghost": "", "spider": "", "bat": "", "mouse": "",
    "dolphin": "", "orca": "", "whale": "", "large metal mallet": "", "ub2006": "",
}  # fmt: skip
MODEST = {  # what is said where nothing is sure enough to be named
    "weather": ("A natural sound can be heard", "Something sounds outdoors"),
    "fire": ("Something crackles",),
    "water": ("Water can be heard", "The sound of water"),
    "animals": ("An animal makes a sound", "An animal can be heard"),
    "people": ("A person makes a sound", "Someone can be heard"),
    "voices": ("A voice can be heard",),
    "vehicles": ("A vehicle or an engine can be heard", "Something drives or runs"),
    "tools": ("A tool or a machine is at work", "The noise of a machine"),
    "alarms": ("A signal tone sounds", "An electronic signal can be heard"),
    "bells": ("Something rings", "A ringing sound"),
    "household": ("An object makes a noise", "The noise of some object"),
    "impacts": ("Something is struck", "A sound of something being struck"),
    "tones": ("A tone can be heard", "An electronic sound"),
    "music": ("An instrument plays", "Music can be heard"),
    "noise": ("A steady noise", "Some noise can be heard"),
}
SEVERAL = ("Several sounds can be heard", "A mix of sounds")
UNKNOWN = ("An indistinct sound", "Some sound can be heard")
QUIET = ("Silence", "Nothing can be heard", "It is silent")
# {N1} noun phrase of the first sound, {C1} clause, {P1} progressive, {G1} participle
ONE = ("{C1}",) * 4 + ("{P1}", "{P1}", "{N1} can be heard", "the sound of {N1}")
THEN = ("{C1}, then {C2}", "{C1} and then {C2}", "{C1}, followed by {N2}",
        "{N1} followed by {N2}", "{C1} before {C2}")  # fmt: skip
WHILE = ("{C1} while {C2}", "{C1} as {C2}", "{P1} while {P2}", "{C1} along with {N2}",
         "{N1} and {N2} can be heard together")  # fmt: skip
BOTH = ("{C1} and {C2}", "{N1} and {N2}", "{N1} and {N2} can be heard")  # no order is told
THREE = ("{N1}, {N2} and {N3} can be heard", "the sounds of {N1}, {N2} and {N3}")


def kind_of(concept: str) -> str | None:
    """The kind of one of earshot-small's concepts; None for those that are left out."""
    if concept.startswith(("says ", "speech ")):
        return SPEECH
    name = OF_CONCEPT.get(concept, concept)
    return name if name in KINDS else None
