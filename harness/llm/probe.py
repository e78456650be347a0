"""The smallest question that shows whether a model answers in the required form."""

from __future__ import annotations

from pydantic import Field

from harness.core.environment import Action
from harness.llm.registry import ReplyFormat
from harness.llm.structured import ReplyContract


class Probe(Action):
    """One small number."""

    number: int = Field(ge=0, le=4, description="how many legs a cat has")


CONTRACT = ReplyContract(Probe, ReplyFormat.JSON)
PROMPT = f"How many legs does a cat have? {CONTRACT.instruction()}"
