"""One request to an endpoint through the `openai` package, and what its faults mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from earshot.core.errors import EarShotError
from earshot.llm.config import KEY, LlmConfig
from earshot.llm.messages import AudioPart, Message, Sounds, as_request

PASSING = (408, 409, 425, 429)  # and all from 500 on: later it may work


class TryAgain(Exception):
    """Nothing to use this time; `after_s` is how long the endpoint asked to be left alone."""

    def __init__(self, got: str, after_s: float | None = None) -> None:
        super().__init__(got)
        self.got, self.after_s = got, after_s


class Refused(Exception):
    """This request will never be answered as it is."""

    def __init__(self, got: str, mend: str) -> None:
        super().__init__(got)
        self.got, self.mend = got, mend


@dataclass(frozen=True)
class Said:
    """An answer as it came."""

    text: str
    finish_reason: str | None
    usage: Any


class Endpoint:
    """The endpoint of a config. Raises EarShotError where the `openai` package is not installed."""

    def __init__(self, config: LlmConfig) -> None:
        try:
            import openai
        except ImportError as fault:
            raise EarShotError(
                got=f"a language model at {config.base_url}, and no `openai` package",
                expected="the package that talks to such endpoints",
                mend="Install it: pip install 'earshot[llm]'.",
            ) from fault
        self._config, self._errors = config, openai
        self._client = openai.OpenAI(
            base_url=config.base_url,
            api_key=config.api_key(),
            timeout=config.timeout_s,
            max_retries=0,  # the client counts and spaces them
        )
        self._takes_format = True  # until the endpoint says otherwise
        self._sounds: Sounds = "input_audio"  # likewise

    def complete(self, messages: Sequence[Message], schema: Any = None) -> Said:
        """One answer. Raises TryAgain, Refused, or EarShotError for what no request gets past."""
        sounds = self._sounds
        told: Any = [as_request(message, sounds) for message in messages]
        more: Any = {"response_format": _format(schema)} if schema and self._takes_format else {}
        try:
            reply = self._client.chat.completions.create(
                messages=told,
                **self._config.options,
                **more,
            )
        except self._errors.APIStatusError as fault:
            if sounds == "input_audio" and _knows_no_sounds(fault, messages):
                self._sounds = "audio_url"
                return self.complete(messages, schema)
            if more and fault.status_code in (400, 422):
                self._takes_format = False  # the prompt asks for JSON as well
                return self.complete(messages, schema)
            raise self._meaning(fault) from fault
        except self._errors.APIConnectionError as fault:  # no answer in time, too
            reason = str(fault.__cause__ or fault) or type(fault).__name__
            raise TryAgain(f"no answer ({reason})") from fault
        except (self._errors.APIError, ValueError) as fault:
            raise TryAgain(f"an answer that cannot be read ({fault})") from fault
        return _said(reply)

    def _meaning(self, fault: Any) -> Exception:
        status, reason = fault.status_code, _reason(fault)
        if status in PASSING or status >= 500:
            return TryAgain(f"HTTP {status} ({reason})", _retry_after(fault.response.headers))
        if status in (401, 403, 404):
            mend = {
                401: f"Put the key into the environment: {KEY}.",
                403: f"See that the key in {KEY} may use this model.",
                404: "See which models it has: GET /v1/models; and that the URL ends as it should.",
            }[status]
            return EarShotError(
                got=f"HTTP {status} ({reason}) from {self._config.base_url}",
                expected=f"an answer of {self._config.model}",
                mend=mend,
            )
        return Refused(f"HTTP {status} ({reason})", "Send what this model takes.")


def _knows_no_sounds(fault: Any, messages: Sequence[Message]) -> bool:
    """Whether an endpoint refuses the kind of part that a sound was sent as."""
    sent = any(isinstance(part, AudioPart) for message in messages for part in message.parts)
    return sent and fault.status_code in (400, 415, 422) and "input_audio" in str(fault)


def _format(schema: dict[str, Any]) -> dict[str, Any]:
    """How the chat API asks for JSON: of a schema where it says more than "an object"."""
    if schema == {"type": "object"}:
        return {"type": "json_object"}
    return {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}


def _said(reply: Any) -> Said:
    """The first choice of a reply; servers differ in what they leave out."""
    choices: Any = getattr(reply, "choices", None)
    message = getattr(choices[0], "message", None) if choices else None
    if message is None:
        raise TryAgain("an answer without a message")
    return Said(
        message.content or "",
        getattr(choices[0], "finish_reason", None),
        getattr(reply, "usage", None),
    )


def _reason(fault: Any) -> str:
    """The endpoint's own sentence, cut to a line."""
    body = fault.body if isinstance(fault.body, dict) else {}
    inner = body.get("error", body)
    text = inner.get("message") if isinstance(inner, dict) else None
    return " ".join(str(text or fault.message).split())[:200]


def _retry_after(headers: Any) -> float | None:
    """Seconds from a Retry-After header, where it holds a number."""
    try:
        return max(0.0, float(headers.get("retry-after", "")))
    except ValueError:
        return None
