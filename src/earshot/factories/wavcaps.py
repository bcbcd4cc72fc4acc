"""WavCaps: raw web descriptions into captions in three stages (arXiv:2303.17395).

paper                                    here
1. source-specific pre-filtering         WebFilter, on items of web_source.py
2. transformation by a language model    LlmWebWriter, or RuleWebWriter without one
3. post-processing                       WebCheck
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from earshot.factories.factory import Factory
from earshot.factories.stage import Stage
from earshot.factories.web_check import WebCheck
from earshot.factories.web_filter import WebFilter, WebFilterConfig
from earshot.factories.web_write import RECORDS, LlmWebWriter, RuleWebWriter
from earshot.llm.client import LlmClient
from earshot.llm.config import LlmConfig
from earshot.text.web_check import CheckSettings

NAME = "wavcaps"


@dataclass(frozen=True)
class WavcapsSettings:
    """All that the captions depend on beside the records."""

    filter: WebFilterConfig = field(default_factory=WebFilterConfig)
    check: CheckSettings = field(default_factory=CheckSettings)
    llm: LlmConfig | None = None  # by rule where left out
    cache: str | None = None  # a folder for the model's answers
    n_records: int = RECORDS  # of a request


def factory(settings: WavcapsSettings | None = None) -> Factory:
    """The three stages; nothing of them opens a sound."""
    settings = settings or WavcapsSettings()
    writer: Stage = RuleWebWriter()
    if settings.llm is not None:
        cache = None if settings.cache is None else Path(settings.cache)
        writer = LlmWebWriter(LlmClient(settings.llm, cache), n_records=settings.n_records)
    stages = (WebFilter(settings.filter), writer, WebCheck(settings.check))
    return Factory(NAME, stages, settings)
