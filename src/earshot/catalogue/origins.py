"""Where the sounds of data sets come from, and which sets may therefore share recordings."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from earshot.catalogue.reading import Catalogue

SITES = {  # public collections that several sets were drawn from
    "youtube": "YouTube",
    "freesound": "Freesound",
    "bbc_sound_effects": "BBC Sound Effects",
    "soundbible": "SoundBible",
    "bigsoundbank": "BigSoundBank",
    "librivox": "LibriVox",
    "jamendo": "Jamendo",
    "magnatune": "Magnatune",
    "million_song": "Million Song Dataset",
    "ted_talks": "TED talks",
}
OTHERS = {  # of one set alone, or not told in enough detail to compare
    "own_recordings": "recorded for the set",
    "synthesis": "made by a program",
    "records_and_radio": "records and radio",
    "web_sites": "several web sites",
    "web_text": "texts of the web",
    "web_speech_680k": "680,000 h of speech from the web",
    "web_speech_4_5m": "4.5 M h of speech from the web",
    "public_sets": "public sets, listed in its paper",
    "internal_pairs": "pairs of its owner",
    "internal_speech": "speech of its owner",
    "internal_mandarin": "Mandarin speech of its owner",
    "audiobooks_podcasts_youtube": "audiobooks, podcasts and YouTube",
    "audiostock": "Audiostock",
    "bbc_television": "BBC television",
    "european_parliament": "the European Parliament",
    "ainu_corpora": "Ainu recordings and related languages",
    "brain_eeg_speech": "two EEG sets of people listening",
    "ett_and_uea_series": "electricity, weather and other series",
    "music_duets": "MUSIC: duets from YouTube",
    "tau_urban_scenes": "TAU Urban Acoustic Scenes",
    "truthfulqa": "TruthfulQA and others, text alone",
    "youcook2": "YouCook2",
    "air_bench_data": "its own mixture of public sets",
    "s2s_arena_data": "its own spoken instructions",
}
ORIGINS = SITES | OTHERS
WITHIN = {"music_duets": ("youtube",), "youcook2": ("youtube",)}


def origins_of(name: str, known: Catalogue) -> frozenset[str]:
    """All that a data set was drawn from, over any number of steps, and itself."""
    sets = {entry.name: entry.data for entry in known.of("datasets")}
    found: set[str] = set()
    left = [known.entry("datasets", name).name]
    while left:
        step = left.pop()
        if step not in found:
            found.add(step)
            left += [*sets.get(step, ()), *WITHIN.get(step, ())]
    return frozenset(found)


def shared_origins(one: str, other: str, known: Catalogue) -> tuple[str, ...]:
    """What two data sets were both drawn from, sorted: a data set or a site; none is the best.

    A site that both reach through a set that both hold is left out: the set says more.
    """
    both = origins_of(one, known) & origins_of(other, known)
    both -= OTHERS.keys() | {"none"}
    further = {
        origin
        for each in both & set(known.names("datasets"))
        for origin in origins_of(each, known) - {each}
    }
    return tuple(sorted(both - further))
