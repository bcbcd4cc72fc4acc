"""Speech of made-up languages whose every 10 ms is known: phone, speaker, melody.

An inventory holds phones: vowels, nasals and glides, fricatives, stops. A language is some of them
and the order they come in; a variety of it shares most of both. Speakers differ in pitch and size
of throat, utterances in the melody they are said with; a channel makes old tape of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from earshot.audio import Audio
from earshot.core.errors import EarShotError
from earshot.core.seed import generator
from earshot.data.clip import Clip
from earshot.synth import noise
from earshot.synth.formant_voice import Sound, Speaker
from earshot.synth.moving_formants import HOP_S, Held, render
from earshot.synth.take import Take

SAMPLE_RATE = 16_000  # Hz
FRAME_S = 0.01  # what labels are given for
SAMPLES_A_FRAME = round(FRAME_S * SAMPLE_RATE)
MELODIES = ("level", "rise", "fall", "peak")  # the classes of prosody
RMS = 0.08


@dataclass(frozen=True)
class PhoneSpeechConfig:
    """How a language is spoken."""

    shortest: int = 8  # phones of an utterance
    longest: int = 14
    least_s: float = 0.06  # of a phone, in steps of 10 ms
    most_s: float = 0.14
    n_followers: int = 6  # phones that may follow a phone; never itself
    n_speakers: int = 6
    spread: float = 0.1  # of a formant from one time that it is said to the next, in its logarithm
    noise_db: float = 12.0  # speech over background noise

    def __post_init__(self) -> None:
        phones = 1 <= self.shortest <= self.longest and self.n_followers >= 1
        if not phones or not FRAME_S <= self.least_s <= self.most_s or self.n_speakers < 1:
            raise EarShotError(
                got=f"utterances of {self.shortest} to {self.longest} phones, each "
                f"{self.least_s:g} to {self.most_s:g} s, {self.n_followers} followers, "
                f"{self.n_speakers} speakers",
                expected="ranges that rise from 1 phone and 0.01 s on, and one of the others",
                mend="The defaults are 8 to 14, 0.06 to 0.14 s, 6 and 6.",
            )


@dataclass(frozen=True)
class Channel:
    """What lies between mouth and file: a band, and hiss."""

    low_hz: float = 300.0
    high_hz: float = 3_000.0
    hiss_db: float = 15.0  # speech over hiss


@dataclass(frozen=True, eq=False)
class PhoneUtterance:
    """An utterance and all that is known of it."""

    waveform: np.ndarray = field(repr=False)  # [samples], float32, at 16 kHz
    phones: tuple[int, ...]  # of the inventory, as they are said
    frame_phones: np.ndarray = field(repr=False)  # [frames of 10 ms], int64, of the inventory
    speaker: int
    melody: int  # of MELODIES
    id: str

    @property
    def transcript(self) -> str:
        """The phones as words: "p03 p17 p00"."""
        return " ".join(phone_name(each) for each in self.phones)

    def phones_at(self, seconds: np.ndarray) -> np.ndarray:
        """The phone at each of these times; the first and last hold on before and after."""
        frames = np.floor(np.asarray(seconds) / FRAME_S + 1e-6).astype(np.int64)
        return self.frame_phones[np.clip(frames, 0, len(self.frame_phones) - 1)]

    def clip(self, split: str | None = None) -> Clip:
        """As a clip: the transcript is its caption, the speaker its group."""
        return Clip(
            Audio(self.waveform, SAMPLE_RATE),
            captions=(self.transcript,),
            labels=(f"speaker{self.speaker:02d}",),
            split=split,
            id=self.id,
            group=f"speaker{self.speaker:02d}",
            extra={"transcript": self.transcript, "melody": MELODIES[self.melody]},
        )


def phone_name(phone: int) -> str:
    """What a phone is called in transcripts."""
    return f"p{phone:02d}"


class PhoneInventory:
    """The phones of a seed; a third are vowels."""

    def __init__(self, seed: int, n_phones: int = 24) -> None:
        if not 4 <= n_phones <= 64:
            raise EarShotError(
                got=f"{n_phones} phones", expected="4 to 64", mend="Languages have 10 to 60."
            )
        self.seed, self.n_phones = seed, n_phones
        rng = generator(seed, "phones")
        n_vowels, n_soft = n_phones // 3, n_phones // 6
        n_hissed = (n_phones - n_vowels - n_soft) // 2
        n_stops = n_phones - n_vowels - n_soft - n_hissed
        vowels = _apart(rng, n_vowels, np.log([[280, 850], [750, 2_300]]))
        soft = _apart(rng, n_soft, np.log([[240, 900], [400, 2_000]]))
        hissed = _apart(rng, n_hissed, np.array([[np.log(1_100), 0.0], [np.log(5_600), 1.0]]))
        stops = _apart(rng, n_stops, np.array([[np.log(600), 0.0], [np.log(5_000), 1.0]]))
        self.sounds: tuple[Sound, ...] = (
            *(Sound(0.1, 1.0, 0.0, _with_third(*np.exp(each))) for each in vowels),
            *(Sound(0.1, 0.35, 0.0, _with_third(*np.exp(each))) for each in soft),
            *(_noisy(*each, burst=False) for each in hissed),
            *(_noisy(*each, burst=True) for each in stops),
        )
        self.is_vowel = np.arange(n_phones) < n_vowels

    def choose(
        self, n: int, seed: int, *, known: Sequence[int] = (), share: float = 0.0
    ) -> tuple[int, ...]:
        """`n` phones, `share` of them out of `known` and the rest from outside it, in order."""
        rng = generator(self.seed, seed, "chosen phones")
        inside = [int(each) for each in rng.permutation(sorted(set(known)))]
        outside = [int(each) for each in rng.permutation(self.n_phones) if each not in set(known)]
        n_inside = round(share * n)
        if n_inside > len(inside) or n - n_inside > len(outside):
            raise EarShotError(
                got=f"{n_inside} phones out of {len(inside)} known ones and {n - n_inside} out of "
                f"{len(outside)} others",
                expected="no more than there are",
                mend="Make the inventory larger with n_phones, or the language smaller.",
            )
        return tuple(sorted(inside[:n_inside] + outside[: n - n_inside]))


class PhoneLanguage:
    """Some phones of an inventory, the order they come in, and those who speak it."""

    def __init__(
        self,
        inventory: PhoneInventory,
        seed: int,
        phones: Sequence[int] | None = None,  # of the inventory; all where left out
        config: PhoneSpeechConfig | None = None,
        speakers: Sequence[Speaker] | None = None,  # drawn by the seed where left out
    ) -> None:
        self.inventory, self.seed, self.config = inventory, seed, config or PhoneSpeechConfig()
        self.phones = tuple(range(inventory.n_phones) if phones is None else phones)
        if len(self.phones) < 2 or self.config.n_followers >= len(self.phones):
            raise EarShotError(
                got=f"{self.config.n_followers} followers among {len(self.phones)} phones",
                expected="fewer followers than phones",
                mend="Lower n_followers, or give the language more phones.",
            )
        self.speakers = tuple(speakers or make_speakers(seed, self.config.n_speakers))
        self.follows = self._phonotactics(generator(seed, "phonotactics"))  # [phones, phones]

    def related(self, share: float, seed: int) -> PhoneLanguage:
        """A variety: it shares `share` of the phones and their order; others take the rest's place.

        Its speakers are others.
        """
        rng = generator(self.seed, seed, "variety")
        n_other = len(self.phones) - round(share * len(self.phones))
        strange = [p for p in range(self.inventory.n_phones) if p not in self.phones]
        if not 0 <= share <= 1 or n_other > len(strange):
            raise EarShotError(
                got=f"a variety with {n_other} other phones of {len(strange)}",
                expected="a share between 0 and 1, and no more others than the inventory has",
                mend="Raise share, or n_phones of the inventory.",
            )
        phones = np.array(self.phones)
        phones[rng.permutation(len(phones))[:n_other]] = rng.permutation(strange)[:n_other]
        other = PhoneLanguage(self.inventory, seed, tuple(map(int, phones)), self.config)
        other.follows = self.follows
        return other

    def _phonotactics(self, rng: np.random.Generator) -> np.ndarray:
        """What follows what: rows that sum to 1, with n_followers entries, mostly vowels after
        consonants and consonants after vowels."""
        n, vowel = len(self.phones), self.inventory.is_vowel[list(self.phones)]
        follows = np.zeros((n, n))
        for row in range(n):
            liking = np.where(vowel == vowel[row], 1.0, 4.0)
            liking[row] = 0.0
            chosen = rng.choice(n, self.config.n_followers, replace=False, p=liking / liking.sum())
            follows[row, chosen] = rng.dirichlet(np.full(len(chosen), 2.0))
        return follows

    def sentence(self, rng: np.random.Generator) -> list[int]:
        """Phones of the inventory that follow each other by the phonotactics."""
        length = int(rng.integers(self.config.shortest, self.config.longest + 1))
        places = [int(rng.integers(len(self.phones)))]
        while len(places) < length:
            places.append(int(rng.choice(len(self.phones), p=self.follows[places[-1]])))
        return [self.phones[each] for each in places]

    def utterance(
        self,
        part: str,
        index: int,
        *,
        channel: Channel | None = None,
        speakers: Sequence[int] | None = None,
    ) -> PhoneUtterance:
        """Number `index` of a part such as "train"; it depends on nothing but these and the seed.

        `speakers` limits who may speak, by number.
        """
        rng = generator(self.inventory.seed, self.seed, part, index, "phone speech")
        config, phones = self.config, self.sentence(rng)
        steps = (round(config.least_s / FRAME_S), round(config.most_s / FRAME_S) + 1)
        counts = rng.integers(*steps, len(phones))  # frames of each phone
        who = int(rng.choice(range(len(self.speakers)) if speakers is None else speakers))
        melody = int(rng.integers(len(MELODIES)))
        take = Take(rng, SAMPLE_RATE, int(counts.sum()) * SAMPLES_A_FRAME)
        lift = melody_curve(take, MELODIES[melody])
        a_frame = round(FRAME_S / HOP_S)
        said = zip(phones, counts, strict=True)
        held = [Held(self._said(phone, rng), int(n) * a_frame) for phone, n in said]
        sound = render(take, held, self.speakers[who], 2.0**lift) * 10 ** (0.4 * lift)
        sound = sound / _rms(sound) + noise.white(take) * 10 ** (-config.noise_db / 20)
        if channel is not None:
            sound = noise.band_pass(sound, SAMPLE_RATE, channel.low_hz, channel.high_hz, 4)
            sound = sound / _rms(sound) + noise.white(take) * 10 ** (-channel.hiss_db / 20)
        waveform = (RMS * sound / _rms(sound)).clip(-1, 1).astype(np.float32)
        labels = np.repeat(np.array(phones, dtype=np.int64), counts)
        return PhoneUtterance(waveform, tuple(phones), labels, who, melody, f"{part}-{index}")

    def utterances(
        self,
        n: int,
        part: str,
        *,
        channel: Channel | None = None,
        speakers: Sequence[int] | None = None,
    ) -> list[PhoneUtterance]:
        """The first `n` of a part: other parts have others. About 5 ms each."""
        return [self.utterance(part, i, channel=channel, speakers=speakers) for i in range(n)]

    def _said(self, phone: int, rng: np.random.Generator) -> Sound:
        """The phone as it is said this once."""
        sound = self.inventory.sounds[phone]
        off = np.exp(rng.normal(0.0, self.config.spread, 4))
        formants = tuple(f * o for f, o in zip(sound.formants_hz, off, strict=False))
        low, high = sound.noise_hz
        return replace(sound, formants_hz=formants, noise_hz=(low * off[3], high * off[3]))


def make_speakers(seed: int, n: int) -> tuple[Speaker, ...]:
    """`n` voices from low to high, each with a throat that about fits."""
    rng = generator(seed, "phone speakers")
    made = []
    for place in (np.arange(n) + rng.uniform(0.2, 0.8, n)) / n:
        pitch = 90.0 * (250.0 / 90.0) ** place
        size = (0.86 + 0.36 * place) * np.exp(rng.normal(0.0, 0.03))
        made.append(Speaker(float(pitch), float(size), float(rng.uniform(0.02, 0.15))))
    return tuple(made)


def melody_curve(take: Take, melody: str) -> np.ndarray:
    """Octaves above the speaker's own pitch, [n_samples]; loudness goes with it."""
    place = np.linspace(0.0, 1.0, take.n_samples)
    shapes = {
        "level": 0.0 * place,
        "rise": place - 0.5,
        "fall": 0.5 - place,
        "peak": 0.5 - np.abs(2.0 * place - 1.0),
    }
    return 0.7 * shapes[melody] * take.uniform(0.8, 1.2) + noise.wander(take, 2.5, -0.05, 0.05)


def _apart(rng: np.random.Generator, n: int, box: np.ndarray) -> np.ndarray:
    """`n` points [n, 2] of a box [low and high, 2], each the farthest of many from those before."""
    tried = rng.uniform(0, 1, (64, 2))
    chosen = [tried[0]]
    while len(chosen) < n:
        away = np.linalg.norm(tried[:, None] - np.array(chosen)[None], axis=2).min(1)
        chosen.append(tried[away.argmax()])
    return box[0] + np.array(chosen[:n]) * (box[1] - box[0])


def _with_third(first: float, second: float) -> tuple[float, ...]:
    """Formants from the first two: the third lies above both."""
    return float(first), float(second), float(max(2_400.0, 1.25 * second))


def _noisy(log_centre: float, voiced: float, *, burst: bool) -> Sound:
    """A fricative or a stop round a frequency; the upper half are voiced as well."""
    centre = float(np.exp(log_centre))
    buzz = 0.25 if voiced > 0.5 else 0.0
    locus = _with_third(300.0, min(1_900.0, 700.0 + 0.25 * centre))
    return Sound(0.1, buzz, 0.35, locus, (centre / 1.35, centre * 1.35), burst)


def _rms(sound: np.ndarray) -> float:
    return float(np.sqrt(np.mean(sound**2)) + 1e-9)
