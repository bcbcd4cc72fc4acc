"""People without words: breath, throat, hands, feet and heart."""

from __future__ import annotations

import numpy as np

from earshot.synth import envelopes, noise, oscillators, resonators
from earshot.synth.kind import SoundKind
from earshot.synth.sounds.animals import SIZE, cry, repeat, throat
from earshot.synth.take import Take


def clap_burst(part: Take) -> np.ndarray:
    """One pair of hands."""
    centre = part.uniform(1_100, 1_700) * part.pitch
    return noise.band(part, 0.7 * centre, 1.6 * centre) * envelopes.decay(part, 0.011, 0.001)


def clapping(take: Take) -> np.ndarray:
    """One person claps in time."""
    return repeat(take, 3.6, 0.08, clap_burst)


def applause(take: Take) -> np.ndarray:
    """A crowd claps: hundreds of hands at random."""
    hands = noise.dust(take, 260, 0.4)
    part = take.part(0.05)
    burst = clap_burst(part)
    body = np.convolve(hands, burst[: part.n_samples // 2])[: take.n_samples]
    return body * noise.wander(take, 1.5, 0.8, 1.0) * envelopes.swell(take, 0.2, 0.4)


def laughing(take: Take) -> np.ndarray:
    """Ha-ha-ha: breathy vowels, each from a little lower."""

    def syllable(part: Take) -> np.ndarray:
        source = cry(part, (250, 265, 215), breath=0.12)
        breath = 0.5 * noise.white(part) * envelopes.hump(part, 0.15)
        return resonators.vowel(
            part, source + breath, "a", 1.1 * part.pitch**SIZE
        ) * envelopes.hump(part, 0.35)

    return repeat(take, 4.8, 0.15, syllable, jitter=0.05)


def coughing(take: Take) -> np.ndarray:
    """A blast of breath, then a throaty rest."""

    def cough(part: Take) -> np.ndarray:
        blast = resonators.formants(
            part, noise.white(part), (650, 1_450, 2_600), (1.0, 0.8, 0.5), 0.25
        )
        voice = resonators.vowel(part, cry(part, (190, 150, 120), rough_hz=40), "o")
        return 2.5 * blast * envelopes.decay(part, 0.07, 0.004) + 0.5 * voice * envelopes.hump(
            part, 0.3
        )

    return repeat(take, 2.0, 0.28, cough)


def sneezing(take: Take) -> np.ndarray:
    """A drawn breath, a pause, and a burst of hiss."""
    draw, burst = take.part(0.42 * take.duration_s), take.part(0.5 * take.duration_s)
    breath = noise.band(draw, 700, 2_400) * envelopes.contour(draw, (0, 0.15, 0.35, 0.0))
    voice = resonators.vowel(burst, cry(burst, (340, 420, 250), breath=0.2), "e")
    hiss = noise.band(burst, 1_600, 6_500) * envelopes.decay(burst, 0.13, 0.006)
    choo = hiss + 1.5 * voice * envelopes.decay(burst, 0.07, 0.01)
    return envelopes.place(take, (0.0, 0.48 * take.duration_s), (0.35 * breath, choo))


def snoring(take: Take) -> np.ndarray:
    """Breath that flutters the palate on the way in and sighs on the way out."""

    def breath(part: Take) -> np.ndarray:
        times = np.arange(0.0, 0.55 * part.duration_s, 1 / (27.0 * part.pitch))
        rattle = resonators.drops(part, times, 210 * part.pitch, 0.012, 1.0)
        rattle += resonators.drops(part, times, 640 * part.pitch, 0.006, 0.5)
        out = noise.band(part, 500, 1_500) * envelopes.hump(part, 0.78, 3.0)
        drawn = np.interp(
            part.seconds() / part.duration_s, (0, 0.1, 0.45, 0.58, 1), (0, 1, 1, 0, 0)
        )
        return rattle * drawn + 0.06 * out

    return repeat(take, 0.62, 1.5, breath)


def baby(take: Take) -> np.ndarray:
    """Wails: a high voice that breaks upward and falls, again and again."""

    def wail(part: Take) -> np.ndarray:
        source = cry(part, (400, 520, 560, 540, 470, 400), breath=0.08)
        shaped = throat(part, source, (1_150, 2_700, 3_900), (1.0, 0.7, 0.4), width=0.16)
        return shaped * envelopes.swell(part, 0.08, 0.2)

    return repeat(take, 1.15, 0.72, wail)


def footsteps(take: Take) -> np.ndarray:
    """Heel and sole on a hard floor."""

    def step(part: Take) -> np.ndarray:
        heel = resonators.modes(part, part.pitch * np.array([170, 390, 900]), 0.016, (1, 0.6, 0.3))
        sole = noise.band(part, 900, 3_200) * envelopes.hump(part, 0.45, 4)
        return heel + 0.12 * sole

    return repeat(take, 1.9, 0.17, step)


def heartbeat(take: Take) -> np.ndarray:
    """Lub-dub, below 100 Hz."""

    def pair(part: Take) -> np.ndarray:
        lub, dub = part.part(0.14), part.part(0.1)
        first = resonators.modes(lub, [48, 72, 110], 0.035, (1, 0.8, 0.3), attack_s=0.01)
        second = resonators.modes(dub, [62, 95, 140], 0.025, (0.8, 0.6, 0.3), attack_s=0.008)
        return envelopes.place(part, (0.0, 0.45 * part.duration_s), (first, second))

    return repeat(take, 1.25, 0.5, pair, jitter=0.02)


def breathing(take: Take) -> np.ndarray:
    """In through the nose, out through the mouth."""

    def breath(part: Take) -> np.ndarray:
        hiss = noise.white(part)
        inward = resonators.formants(part, hiss, (1_500, 2_800), (1.0, 0.8), 0.3)
        outward = resonators.formants(part, hiss, (650, 1_300), (1.0, 0.7), 0.3)
        return inward * envelopes.hump(part, 0.22, 2.5) + outward * envelopes.hump(part, 0.72, 2.5)

    return repeat(take, 0.6, 1.55, breath)


def whistling(take: Take) -> np.ndarray:
    """A whistled tune: sliding pure notes and a little air."""
    n_notes = max(2, round(take.duration_s * 3.2 * take.speed))
    scale = take.pitch * 1_150 * 2 ** (np.array([0, 2, 4, 7, 9, 12]) / 12)
    notes = scale[take.rng.integers(0, 6, n_notes)]
    place = np.minimum((take.seconds() / take.duration_s * n_notes).astype(int), n_notes - 1)
    smooth = np.ones(max(2, int(0.03 * take.sample_rate)))
    slide = np.convolve(np.pad(notes[place], len(smooth), "edge"), smooth / len(smooth), "same")
    tone = oscillators.sine(
        take, slide[len(smooth) : -len(smooth)] * oscillators.vibrato(take, 5, 0.008)
    )
    gaps = np.abs(np.sin(np.pi * take.seconds() / take.duration_s * n_notes)) ** 0.3
    return (tone + 0.03 * noise.band(take, 1_000, 4_000)) * gaps


def screaming(take: Take) -> np.ndarray:
    """A high rough voice at full strength."""
    source = cry(take, (820, 1_150, 1_200, 1_120, 900), breath=0.25, rough_hz=63)
    shaped = throat(take, source, (1_250, 2_400, 3_600), (1.0, 0.9, 0.6), width=0.2)
    return shaped * envelopes.swell(take, 0.06, 0.2)


def humming(take: Take) -> np.ndarray:
    """A closed-mouth tune."""
    n_notes = max(2, round(take.duration_s * 2.2 * take.speed))
    notes = take.pitch * 165 * 2 ** (take.rng.choice([0, 2, 4, 5, 7], n_notes) / 12)
    curve = np.repeat(notes, -(-take.n_samples // n_notes))[: take.n_samples]
    source = oscillators.saw(take, curve * oscillators.vibrato(take, 5.2, 0.012))
    gaps = np.abs(np.sin(np.pi * take.seconds() / take.duration_s * n_notes)) ** 0.4
    return resonators.formants(take, source, (260, 950), (1.0, 0.06)) * gaps


def babble(take: Take) -> np.ndarray:
    """A crowd talks at once: many voices, no word to be understood."""
    total = np.zeros(take.n_samples)
    for _ in range(6):
        pitch = take.uniform(95, 230)
        curve = pitch * noise.wander(take, 3, 0.85, 1.2)
        source = oscillators.saw(take, curve) + 0.15 * noise.white(take)
        size = 1.0 + (pitch - 95) / 800
        first, second = take.rng.choice(list("aeiou"), 2, replace=False)
        change = noise.wander(take, 4, 0, 1)
        voice = resonators.vowel(take, source, first, size) * change
        voice += resonators.vowel(take, source, second, size) * (1 - change)
        total += voice * np.maximum(noise.wander(take, 4.5, -0.4, 1.0), 0)
    return total


KINDS = (
    SoundKind(
        "clapping",
        "people",
        clapping,
        nouns=("clapping", "hand claps"),
        actions=(
            "someone | claps | clapping",
            "a person | claps their hands | clapping their hands",
        ),
        obeys=("speed", "pitch", "length"),
        span_s=(1.0, 2.5),
    ),
    SoundKind(
        "applause",
        "people",
        applause,
        nouns=("applause", "a round of applause"),
        actions=("a crowd | applauds | applauding", "an audience | claps | clapping"),
        obeys=("length",),
        span_s=(1.8, 3.5),
    ),
    SoundKind(
        "laughter",
        "people",
        laughing,
        nouns=("laughter", "a laugh"),
        actions=("someone | laughs | laughing", "a person | laughs | laughing"),
        obeys=("speed", "pitch", "length"),
        span_s=(0.9, 2.2),
    ),
    SoundKind(
        "cough",
        "people",
        coughing,
        nouns=("a cough", "coughing"),
        actions=("someone | coughs | coughing", "a person | coughs | coughing"),
        obeys=("speed", "length"),
        span_s=(0.6, 1.6),
    ),
    SoundKind(
        "sneeze",
        "people",
        sneezing,
        nouns=("a sneeze", "sneezing"),
        actions=("someone | sneezes | sneezing", "a person | sneezes | sneezing"),
        span_s=(0.8, 1.2),
        one_shot=True,
    ),
    SoundKind(
        "snoring",
        "people",
        snoring,
        nouns=("snoring", "a snore"),
        actions=("someone | snores | snoring", "a sleeper | snores | snoring"),
        obeys=("pitch", "length"),
        span_s=(1.5, 3.2),
    ),
    SoundKind(
        "crying baby",
        "people",
        baby,
        nouns=("a crying baby", "a baby's cry"),
        actions=("a baby | cries | crying", "an infant | wails | wailing"),
        obeys=("pitch", "length"),
        span_s=(1.2, 2.8),
    ),
    SoundKind(
        "footsteps",
        "people",
        footsteps,
        nouns=("footsteps", "steps on a hard floor"),
        actions=("someone | walks | walking", "a person | walks by | walking by"),
        obeys=("speed", "pitch", "length"),
        span_s=(1.2, 3.0),
    ),
    SoundKind(
        "heartbeat",
        "people",
        heartbeat,
        nouns=("a heartbeat", "the beat of a heart"),
        actions=("a heart | beats | beating", "a heart | thumps | thumping"),
        obeys=("speed", "length"),
        span_s=(1.5, 3.0),
    ),
    SoundKind(
        "breathing",
        "people",
        breathing,
        nouns=("breathing", "breaths"),
        actions=(
            "someone | breathes | breathing",
            "a person | breathes in and out | breathing in and out",
        ),
        obeys=("speed", "length"),
        span_s=(1.6, 3.4),
    ),
    SoundKind(
        "whistling",
        "people",
        whistling,
        nouns=("whistling", "a whistled tune"),
        actions=("someone | whistles | whistling", "a person | whistles a tune | whistling a tune"),
        obeys=("speed", "pitch", "length"),
        span_s=(1.2, 2.8),
    ),
    SoundKind(
        "scream",
        "people",
        screaming,
        nouns=("a scream", "screaming"),
        actions=("someone | screams | screaming", "a person | shrieks | shrieking"),
        obeys=("pitch", "length"),
        span_s=(0.8, 1.8),
    ),
    SoundKind(
        "humming",
        "people",
        humming,
        nouns=("humming", "a hummed tune"),
        actions=("someone | hums | humming", "a person | hums a tune | humming a tune"),
        obeys=("speed", "pitch", "length"),
        span_s=(1.2, 2.8),
    ),
    SoundKind(
        "crowd chatter",
        "people",
        babble,
        nouns=("crowd chatter", "a babble of voices"),
        actions=(
            "a crowd | chatters | chattering",
            "people | talk all at once | talking all at once",
        ),
        obeys=("length",),
        span_s=(1.8, 3.5),
    ),
)
