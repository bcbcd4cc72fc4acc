"""Made-up languages for adaptation: two to begin with, a third to come to."""

from __future__ import annotations

from dataclasses import dataclass, field

from earshot.core.errors import EarShotError
from earshot.synth.phone_speech import (
    Channel,
    PhoneInventory,
    PhoneLanguage,
    PhoneSpeechConfig,
    PhoneUtterance,
)

BASE, TARGET, RELATED, UNRELATED = ("a", "b"), "t", "r", "u"
HEARD_IN_TEST = (1, 4)  # speakers of six, low to high: between the voices that train


@dataclass(frozen=True)
class LanguageFamilyConfig:
    """How the languages differ. The target is heard through an old tape, the others are not."""

    n_phones: int = 24  # of all languages together
    n_base_phones: int = 13  # of each of the two
    n_target_phones: int = 16
    known: float = 0.7  # share of the target's phones that the two have
    related: float = 0.9  # share of the target's phones in the variety near it
    n_unrelated_phones: int = 11
    unrelated: float = 0.25  # share of them that the target has too
    speech: PhoneSpeechConfig = field(default_factory=PhoneSpeechConfig)
    channel: Channel = field(default_factory=Channel)

    def __post_init__(self) -> None:
        if self.speech.n_speakers <= max(HEARD_IN_TEST):
            raise EarShotError(
                got=f"{self.speech.n_speakers} speakers",
                expected=f"{max(HEARD_IN_TEST) + 1} at least, two of them for the test alone",
                mend="Set speech.n_speakers=6.",
            )


class LanguageFamily:
    """The languages `a` and `b`, `t`, `r` and `u` of a seed."""

    def __init__(self, seed: int, config: LanguageFamilyConfig | None = None) -> None:
        self.config = config = config or LanguageFamilyConfig()
        inventory = PhoneInventory(seed, config.n_phones)
        n = config.n_base_phones
        first = inventory.choose(n, 1)
        second = inventory.choose(n, 2, known=first, share=9 / 13)
        both = sorted({*first, *second})
        target = inventory.choose(config.n_target_phones, 3, known=both, share=config.known)
        far = inventory.choose(config.n_unrelated_phones, 5, known=target, share=config.unrelated)
        spoken = PhoneLanguage(inventory, 3, target, config.speech)
        self.languages = {
            BASE[0]: PhoneLanguage(inventory, 1, first, config.speech),
            BASE[1]: PhoneLanguage(inventory, 2, second, config.speech),
            TARGET: spoken,
            RELATED: spoken.related(config.related, 4),
            UNRELATED: PhoneLanguage(inventory, 5, far, config.speech),
        }

    def utterances(self, language: str, part: str, n: int) -> list[PhoneUtterance]:
        """The first `n` of a part; those of "test" are by speakers who are in no other part."""
        spoken, config = self.languages[language], self.config
        others = [i for i in range(config.speech.n_speakers) if i not in HEARD_IN_TEST]
        return spoken.utterances(
            n,
            part,
            channel=config.channel if language == TARGET else None,
            speakers=HEARD_IN_TEST if part == "test" else others,
        )
