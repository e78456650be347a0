"""What the cache of replies says of a model beforehand: how long its prompts and replies are, how often it asks again.

A reply belongs to the same kind of prompt if the static part is the same; where there is none, to the same model under
the same constraint, which holds the same reply format. Replies of which the server did not say how many tokens they
took are left out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.core.agent import Message
from harness.core.range import Range, around
from harness.llm.cache import ReplyCache, key_of
from harness.llm.structured import REPAIR

LIKE = ("endpoint", "constraint", "logprobs", "reasoning_effort")
"""In what requests are alike whose replies are of the same length; another effort is another length."""

Z = 1.96
"""Standard normal quantile of intervals of 95 %."""


@dataclass(frozen=True, eq=False)
class Recorded:
    """Replies of one model.

    Attributes
    ----------
    same_prompt : bool
        Whether they are to the very static part.
    characters, prompt_tokens, completion_tokens, cached_tokens : int arrays, shape (n,)
        Of every request; characters of all messages together.
    asked, again : int
        Requests that asked something first, and those that asked again because its reply could not be used.
    thought : bool
        Whether a reply came with thoughts apart from it.
    kept : frozenset of str
        Prompts that would be answered from the cache, see `key_of_prompt`.
    """

    same_prompt: bool
    characters: NDArray[np.int64]
    prompt_tokens: NDArray[np.int64]
    completion_tokens: NDArray[np.int64]
    cached_tokens: NDArray[np.int64]
    asked: int
    again: int
    thought: bool
    kept: frozenset[str]

    @property
    def n(self) -> int:
        """Requests with tokens."""
        return len(self.characters)

    @property
    def tokens_per_character(self) -> Range:
        """Of prompts: of all together, and between what 95 % of them lie."""
        each = self.prompt_tokens / self.characters
        low, high = np.percentile(each, [2.5, 97.5])
        together = float(self.prompt_tokens.sum() / self.characters.sum())
        return Range(min(float(low), together), together, max(float(high), together))

    @property
    def completion(self) -> Range:
        """Mean tokens of a reply, with its 95 % interval."""
        half = Z * float(self.completion_tokens.std(ddof=1)) / math.sqrt(self.n) if self.n > 1 else 0.0
        return around(float(self.completion_tokens.mean()), half)

    @property
    def cached_share(self) -> float:
        """What the server read of the prompts from its own cache."""
        return float(self.cached_tokens.sum() / max(self.prompt_tokens.sum(), 1))


def key_of_prompt(messages: Sequence[Message]) -> str:
    """Names a prompt, whatever it is sent with."""
    return key_of({"messages": [m.model_dump() for m in messages]})


def recorded(cache: ReplyCache, like: Mapping[str, Any], system: str, limit: int) -> Recorded | None:
    """What a cache holds for requests like one that is to be made; None if nothing.

    Parameters
    ----------
    cache : ReplyCache
    like : mapping
        What such a request has of `endpoint`, `constraint` and `logprobs`.
    system : str
        The static part of the prompt.
    limit : int
        Longest reply that will be asked for at first.
    """
    ours = [(r, a) for r, a in cache.requests() if all(r.get(k) == like.get(k) for k in LIKE)]
    same = [(r, a) for r, a in ours if r["messages"][0]["content"] == system]
    if not same and not like["constraint"]:  # nothing says that the replies were of the same format
        return None
    rows = same or ours
    counted = [(r, a) for r, a in rows if a.get("usage_reported", True) and a.get("prompt_tokens")]
    if not counted:
        return None
    first = [r for r, _ in rows if not r["messages"][-1]["content"].startswith(REPAIR)]
    asked = {key_of({name: r.get(name) for name in ("messages", "temperature", "sample")}) for r in first}
    kept = [r for r in first if same and r["temperature"] == 0 and r["max_tokens"] == limit]
    replies = [a for _, a in counted]
    return Recorded(
        same_prompt=bool(same),
        characters=np.array([sum(len(m["content"]) for m in r["messages"]) for r, _ in counted]),
        prompt_tokens=np.array([a["prompt_tokens"] for a in replies]),
        completion_tokens=np.array([a["completion_tokens"] for a in replies]),
        cached_tokens=np.array([a.get("cached_tokens", 0) for a in replies]),
        asked=len(asked),
        again=len(rows) - len(asked),
        thought=any(a.get("reasoning") or "</think>" in str(a.get("text")) for a in replies),
        kept=frozenset(key_of({"messages": r["messages"]}) for r in kept),
    )
