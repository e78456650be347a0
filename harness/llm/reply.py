"""What came back from a server, read without trusting its shape."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

ECHOED = {"temperature": ("temperature",), "seed": ("seed",), "max_tokens": ("max_tokens", "n_predict")}
"""Sampling parameters that a server may report, and under which names it does (llama.cpp's says `n_predict`)."""

WORD = 100
"""Characters kept of what a server reports about itself."""

FLOAT32 = 1e-6
"""How far a number may be off for having been stored as a float of 32 bits, relatively."""


class Malformed(Exception):
    """An answer that is not in the OpenAI chat format: a proxy's page, half a body, no choices."""


@dataclass(frozen=True)
class FirstToken:
    """Log-probabilities of a reply's first token, as far as the server listed them.

    Attributes
    ----------
    letters : mapping of token to log-probability
        Tokens that are one letter, blanks around it allowed.
    listed : float
        Probability of all tokens listed.
    least : float
        Probability of the least likely of them.
    """

    letters: Mapping[str, float]
    listed: float
    least: float


@dataclass(frozen=True, kw_only=True)
class Asked:
    """How a reply was asked for, as far as that belongs to one request and not to the run."""

    key: str
    """Content address of the request."""
    run: str
    """The run that asked the server for it; another than one's own if it came from the cache."""
    constrained: bool = True
    """False if the server was not asked, or refused, to hold the reply to its schema."""
    form: str | None = None
    """How it was asked to, where the server takes no json_schema: json_object, tool or text."""
    left_out: tuple[str, ...] = ()
    """Sampling parameters that the server refused to take."""
    seed: int | None = None
    """As sent, where every request has its own."""
    max_tokens: int | None = None
    """As sent, where more than usual."""


@dataclass(frozen=True, kw_only=True)
class Reply(Asked):
    """What a model answered."""

    text: str
    finish_reason: str | None
    prompt_tokens: int
    completion_tokens: int
    model: str
    """As the server reports it."""
    cached_tokens: int = 0
    """Of the prompt's, those that the server read from its own cache."""
    refusal: str | None = None
    """What the model or its server's filter said instead of answering."""
    reasoning: str | None = None
    """What a reasoning model thought first, where the server sends it apart from the answer."""
    fingerprint: str | None = None
    """The server's configuration, as it reports it."""
    provider: str | None = None
    """Who answered behind a router, as it reports."""
    service_tier: str | None = None
    """As the server reports it."""
    otherwise: Mapping[str, float] | None = None
    """Sampling parameters that the server reports to have been other than sent."""
    answered: str | None = None
    """When the server answered (UTC); None in caches of old."""
    usage_reported: bool = True
    """False if the server did not say how many tokens it took."""
    first_token: FirstToken | None = None
    """What could have stood first, where that was asked for."""

    @classmethod
    def stored(cls, values: Mapping[str, Any]) -> Reply:
        """A reply as it stands in the cache."""
        first = values.get("first_token")
        known = {**values, "left_out": tuple(values.get("left_out", ()))}
        return cls(**(known | {"first_token": FirstToken(**first) if first else None}))


def read(answer: Any, asked: Asked, sent: Mapping[str, Any], clean: Callable[[str], str], *, logprobs: bool) -> Reply:
    """A chat completion as a `Reply`, every text of the server's passed through `clean`.

    Raises
    ------
    Malformed
        If it is none.
    """
    try:
        choice, usage = answer.choices[0], answer.usage
        message = choice.message
        refusal = getattr(message, "refusal", None)
        if choice.finish_reason == "content_filter":
            refusal = refusal or "the server's content filter stopped the reply"
        details = getattr(usage, "prompt_tokens_details", None)
        reasoning = _reasoning(message)
        return Reply(
            **asdict(asked),
            text=clean(_text(_content(message))),
            finish_reason=_word(choice, "finish_reason", clean),
            prompt_tokens=int(usage.prompt_tokens or 0) if usage else 0,
            completion_tokens=int(usage.completion_tokens or 0) if usage else 0,
            cached_tokens=int(getattr(details, "cached_tokens", 0) or 0),
            model=clean(str(answer.model or sent["model"])),
            refusal=None if refusal is None else clean(_text(refusal)),
            reasoning=None if reasoning is None else clean(reasoning),
            fingerprint=_word(answer, "system_fingerprint", clean),
            provider=_word(answer, "provider", clean),
            service_tier=_word(answer, "service_tier", clean),
            otherwise=_otherwise(answer, sent),
            answered=datetime.now(UTC).isoformat(timespec="seconds"),
            usage_reported=usage is not None,
            first_token=_first_token(choice) if logprobs else None,
        )
    except (AttributeError, IndexError, TypeError, ValueError) as error:
        raise Malformed(str(error)) from None


def _word(answer: Any, name: str, clean: Callable[[str], str]) -> str | None:
    """A short text that a server reports about itself."""
    said = getattr(answer, name, None)
    return clean(said[:WORD]) if isinstance(said, str) and said else None


def _otherwise(answer: Any, sent: Mapping[str, Any]) -> dict[str, float] | None:
    """What the server reports otherwise than sent: in the answer itself, or where llama.cpp's server puts it."""
    verbose = getattr(answer, "__verbose", None)
    settings = getattr(answer, "generation_settings", None)
    if settings is None and isinstance(verbose, Mapping):
        settings = verbose.get("generation_settings")
    reported = settings if isinstance(settings, Mapping) else answer.model_extra
    found = {}
    for name, names in ECHOED.items():
        wanted = sent.get(name, sent.get("max_completion_tokens") if name == "max_tokens" else None)
        said = (
            next((reported[n] for n in names if isinstance(reported.get(n), int | float)), None) if reported else None
        )
        if wanted is not None and said is not None and not math.isclose(wanted, said, rel_tol=FLOAT32):
            found[name] = said
    return found or None


def _content(message: Any) -> object:
    """The answer's text, or the arguments of the tool that was to be called."""
    if message.tool_calls:
        return message.tool_calls[0].function.arguments
    return message.content or ""


def _text(content: object) -> str:
    if not isinstance(content, str):
        raise TypeError("the content of a message is not text")
    return content


def _reasoning(message: Any) -> str | None:
    """Thoughts that vLLM, Groq, OpenRouter and others send beside the answer, under one of two names."""
    for name in ("reasoning_content", "reasoning"):
        thoughts = getattr(message, name, None)
        if isinstance(thoughts, str) and thoughts:
            return thoughts
    return None


def _first_token(choice: Any) -> FirstToken | None:
    """What could have stood first; None where the server sent no log-probabilities."""
    content = getattr(choice.logprobs, "content", None) or []
    if not content or not content[0].top_logprobs:
        return None
    top = {t.token: float(t.logprob) for t in content[0].top_logprobs}
    letters = {token: logprob for token, logprob in top.items() if len(token.strip()) == 1}
    return FirstToken(letters, math.fsum(map(math.exp, top.values())), math.exp(min(top.values())))
