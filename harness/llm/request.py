"""What is asked of a model, in the harness's own words: everything that can change a reply, and nothing else."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from typing import Any

from harness.core.agent import Message
from harness.llm.cache import key_of
from harness.llm.local import engine
from harness.llm.registry import ModelEntry, ReplyFormat
from harness.llm.structured import ReplyContract

REPLY_TOKENS = 512
"""Limit for replies of a server: enough for an action with some talk around it, in free text. Embedded models are held
to the shortest reply and need no room for talk."""

SEED = 0
"""Sent with every request: at temperature 0 it should not matter, and where it does it is recorded."""

EMBEDDED_LOGPROBS, SERVED_LOGPROBS = 4_000, 20
"""How many of the likeliest tokens to ask for: all that matter, or the most that hosted servers give."""


def identity_of(entry: ModelEntry) -> dict[str, str | None]:
    """Which weights on which engine, or which model on which server.

    Raises
    ------
    ModelServerError
        If the engine is not installed.
    """
    if entry.weights is None:
        return {"server": entry.base_url, "model": entry.model_id}
    return {"weights_sha256": entry.weights.sha256, "engine": engine()}


def constraint_of(entry: ModelEntry, contract: ReplyContract) -> dict[str, Any]:
    """What a reply is held to: by grammar where the model runs here, by the schema where a server takes one."""
    if entry.weights is not None:
        return {"grammar": contract.grammar}
    if entry.schema_constrained and contract.format is ReplyFormat.JSON:
        return {"type": "json_schema", "schema": contract.schema}
    return {}


def logprobs_of(entry: ModelEntry) -> dict[str, Any]:
    """What is added to a request for the probabilities of the reply's first token."""
    return {"logprobs": True, "top_logprobs": SERVED_LOGPROBS if entry.weights is None else EMBEDDED_LOGPROBS}


def limit_of(entry: ModelEntry, contract: ReplyContract) -> int:
    """How many tokens a reply may have, if nothing else is said."""
    if entry.max_tokens is not None:
        return entry.max_tokens
    return contract.max_tokens() if entry.weights is not None else REPLY_TOKENS


def request_of(
    entry: ModelEntry,
    contract: ReplyContract,
    identity: Mapping[str, str | None],
    messages: Sequence[Message],
    *,
    temperature: float,
    sample: str | None,
    max_tokens: int,
    logprobs: bool,
) -> dict[str, Any]:
    """A request; its hash is the key of the reply. `sample` names one of several draws at a temperature above 0."""
    request = {
        "endpoint": identity,
        "messages": [m.model_dump() for m in messages],
        "temperature": temperature,
        "seed": SEED,
        "max_tokens": max_tokens,
        "constraint": constraint_of(entry, contract),
    }
    if entry.reasoning_effort is not None:
        request |= {"reasoning_effort": entry.reasoning_effort}
    if temperature > 0:
        # of the whole request: draws of different patients must not go hand in hand
        request |= {"sample": sample, "seed": zlib.crc32(key_of(request | {"sample": sample}).encode()) % 2**31}
    return request | logprobs_of(entry) if logprobs else request


def sampling_of(
    entry: ModelEntry, contract: ReplyContract, temperature: float, *, logprobs: bool
) -> dict[str, float | int | str | None]:
    """The sampling parameters of every request; a seed of None is one of its own."""
    found: dict[str, float | int | str | None] = {
        "temperature": temperature,
        "seed": SEED if temperature == 0 else None,
        "max_tokens": limit_of(entry, contract),
    }
    if logprobs:
        found |= {"top_logprobs": logprobs_of(entry)["top_logprobs"]}
    return found | ({"reasoning_effort": entry.reasoning_effort} if entry.reasoning_effort is not None else {})
