"""Language models, with ears or without, behind any endpoint that speaks OpenAI's chat API."""

from earshot.llm.client import Answer, LlmClient
from earshot.llm.config import LlmConfig
from earshot.llm.messages import AudioPart, Message, TextPart, user

__all__ = ["Answer", "AudioPart", "LlmClient", "LlmConfig", "Message", "TextPart", "user"]
