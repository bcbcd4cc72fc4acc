"""Caption factories: clips go through stages and come out with captions, scores and provenance.

`item` is what travels, `stage` what works on it, `factory` runs it. A recipe of the room is a
module with a frozen dataclass `Settings` and `factory(settings: Settings) -> Factory`; where its
Settings has the fields `llm: LlmConfig | None` and `llm_cache: str`, the command line's --llm
fills them. It is looked up by its name, and nothing else is imported.
"""
