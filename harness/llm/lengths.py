"""How many tokens prompts and replies will have: counted, taken from recorded replies, or estimated from characters.

The ratios of the estimate were measured on the built-in prompts of ICU-Sepsis and of the simulator of Oberst and
Sontag, with the tokenizers and chat templates of `qwen` and `smollm2`: 2.4 characters a token for a list of findings
with ten decisions remembered, 4.1 for plain English; and on replies, compact and indented.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from harness.core.agent import Message
from harness.core.range import Range, known
from harness.llm.recorded import Recorded
from harness.llm.registry import ModelEntry, ReplyFormat
from harness.llm.request import limit_of
from harness.llm.structured import RATIONALE_CHARACTERS, ReplyContract
from harness.llm.tokens import prompt_tokens, static_tokens

PROMPT_RATIO = Range(1 / 4.1, 1 / 3.1, 1 / 2.4)
"""Tokens of a character of a prompt, the chat template's included."""

REPLY_RATIO = Range(1 / 2.9, 1 / 2.2, 1 / 1.5)
"""Tokens of a character of a reply in JSON."""

FOREIGN = Range(0.85, 1.0, 1.15)
"""Tokens for every one that another model's tokenizer counts: an assumption. Those of `qwen` and `smollm2` differ by up
to 4 % on the prompts above."""

LABEL = Range(1, 2, 8)
"""Tokens of a reply of one letter that nothing holds to it: the letter, its end, and a word or two around it."""

ENOUGH = 10
"""So many recorded replies are needed to go by them."""

THINKS = 2_000
"""A limit of so many tokens is for a model that thinks first."""


@dataclass(frozen=True)
class Lengths:
    """How long prompts are, in tokens or in what `tokens` makes tokens of.

    Attributes
    ----------
    prompt : function of messages
    static : function of the system message
        What all prompts that begin with it have in common.
    tokens : Range
        Tokens in one unit of these lengths.
    basis : str
        Where they come from, as a sentence.
    """

    prompt: Callable[[Sequence[Message]], float]
    static: Callable[[Message], float]
    tokens: Range
    basis: str


def counted(base_url: str, name: str, *, own: bool) -> Lengths:
    """By the tokenizer of an embedded model whose server runs at `base_url`; `own` if it is the model that is asked."""
    basis = "Prompt tokens are counted with the model's own tokenizer and chat template."
    if not own:
        basis = (
            f"Prompt tokens are counted with the tokenizer and chat template of {name}; the model's own are assumed to "
            f"differ by up to {100 * (FOREIGN.high - 1):.0f} %."
        )
    return Lengths(
        lambda messages: prompt_tokens(base_url, messages),
        lambda system: static_tokens(base_url, system),
        known(1.0) if own else FOREIGN,
        basis,
    )


def by_characters(found: Recorded | None) -> Lengths:
    """By characters: what a model took for recorded prompts, or the measured ratios where none are recorded."""
    if found is not None and found.n >= ENOUGH:
        tokens, prompts = found.tokens_per_character, "to this prompt" if found.same_prompt else "to other prompts"
        basis = (
            f"Prompt tokens are estimated: {1 / tokens.usual:.2f} characters a token, {1 / tokens.high:.2f} to "
            f"{1 / tokens.low:.2f} in 95 % of {found.n:,} recorded requests {prompts}."
        )
    else:
        tokens = PROMPT_RATIO
        basis = (
            f"Prompt tokens are estimated: {1 / tokens.usual:.1f} characters a token, {1 / tokens.high:.1f} to "
            f"{1 / tokens.low:.1f}, as measured with other tokenizers on the built-in prompts; what a server adds for "
            "the schema is not in it."
        )
    return Lengths(
        lambda messages: sum(len(m.content) for m in messages), lambda system: len(system.content), tokens, basis
    )


def thinks(entry: ModelEntry, found: Recorded | None) -> bool:
    """Whether a model is known to think before it answers."""
    return (
        entry.reasoning_effort is not None or (entry.max_tokens or 0) >= THINKS or (found is not None and found.thought)
    )


def completion(
    entry: ModelEntry, contract: ReplyContract, written: Sequence[str], found: Recorded | None
) -> tuple[Range | None, str]:
    """Tokens of a reply, None if nothing is known; and where that comes from, as a sentence.

    Parameters
    ----------
    entry : ModelEntry
    contract : ReplyContract
    written : sequence of str
        Replies as the contract writes them.
    found : Recorded or None
    """
    if found is not None and found.n >= ENOUGH:
        kind = "to this prompt" if found.same_prompt else "of this format"
        mean = found.completion
        return mean, (
            f"Replies are taken to have {mean.usual:.1f} tokens on average (95 % {mean.low:.1f} – {mean.high:.1f}), as "
            f"{found.n:,} recorded ones {kind}."
        )
    if thinks(entry, found):
        return None, (
            "How long a model thinks before it answers is not known, and none of its replies are recorded: the cost is "
            "given by tokens a reply; a run of a few decisions records some."
        )
    if contract.format is ReplyFormat.LABEL:
        held = entry.weights is not None
        return known(1.0) if held else LABEL, "Replies are one letter" + ("." if held else ", or a few words with it.")
    shortest, longest = min(written, key=len), max(written, key=len)
    reasons = Range(1, RATIONALE_CHARACTERS / 2, RATIONALE_CHARACTERS) if contract.rationale else known(0)
    said = f", with 1 to {RATIONALE_CHARACTERS} characters of reasons" if contract.rationale else ""
    if entry.weights is not None:  # the grammar decides every character, and a token has at least one
        tokens = (known(len(shortest)) + reasons) * REPLY_RATIO + known(1)
        most = min(len(longest) + reasons.high + 1, limit_of(entry, contract))
        return Range(min(tokens.low, most), min(tokens.usual, most), most), (
            f"No replies are recorded: theirs are compact JSON of {len(shortest)} characters{said}, of which a token "
            "may have one or several."
        )
    fenced = json.dumps(json.loads(longest), indent=2, ensure_ascii=False)
    compact, indented = len(shortest), len(f"```json\n{fenced}\n```")
    tokens = (Range(compact, (compact + indented) / 2, indented) + reasons) * REPLY_RATIO + known(1)
    return tokens, f"No replies are recorded: theirs are taken for JSON, from compact to indented in a fence{said}."
