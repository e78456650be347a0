"""`recheck-*.json`: what a drift check found, in one object that a script can read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from harness.core.agent import Request
from harness.evaluation.config import Method
from harness.evaluation.flips import Flips
from harness.evaluation.intervals import Estimate
from harness.evaluation.replay import StepFlip

SCHEMA_VERSION = 1


class Server(BaseModel):
    """Who answered: which weights or which server, its entry, and what the server said of itself."""

    model_config = ConfigDict(frozen=True)

    identity: dict[str, Any]
    entry: dict[str, Any]
    models: list[str]
    fingerprints: list[str]


class Source(BaseModel):
    """Another run, whose replies a run took from the cache, and when a server gave them (UTC; null if not kept)."""

    model_config = ConfigDict(frozen=True)

    run: str
    replies: int
    first: str | None
    last: str | None


class Change(BaseModel):
    """What the new replies do to the value. A pair is a lower and an upper bound; both are certain, or one number."""

    model_config = ConfigDict(frozen=True)

    before: tuple[float, float] = Field(description="the value by the run's replies")
    replaced: tuple[float, float] = Field(description="the value with the new replies in place of the old ones")
    known: float = Field(
        description="what that changes, exactly; states that the run did not ask are decided optimally in both"
    )
    now: tuple[float, float] | None = Field(
        description="the value now, whatever is done in states that were not asked again; null where nothing bounds it"
    )
    whole: Estimate | None = Field(
        description="`known` if every state of the run were asked again, estimated to first order in the flips; "
        "null where they all were, or where so much flipped that the first order does not tell"
    )


class Recheck(BaseModel):
    """What came of asking decisions of a run again."""

    model_config = ConfigDict(frozen=True)

    schema_version: int = SCHEMA_VERSION
    run: str
    created: str = Field(description="UTC")
    harness: str
    env: str
    env_version: int
    agent: str
    prompt: str | None = Field(description="style@version, the same then and now")
    method: Method
    value_name: str
    caveats: list[str] = Field(description="of the run: why its replies may not be those of one policy")
    seed: int = Field(description="by which the sample was drawn")
    then: Server
    now: Server
    changed: list[str] = Field(description="what differs between `then` and `now`")
    cached: list[Source] = Field(description="other runs whose replies this run took from the cache")
    recorded: int = Field(description="decisions of the run: states asked, or steps")
    drawn: int | None = Field(description="draws that were answered; null where all decisions were to be asked")
    asked: int = Field(description="different decisions asked again")
    flipped: int = Field(description="of these, how many are others now")
    share: Estimate | None = Field(description="flips as a share of `share_of`; null where it cannot be told")
    share_of: str
    change: Change | None = Field(description="null for a rollout, or where the new replies make a policy without end")
    flips: Flips | None = Field(description="of states; null as `change`")
    step_flips: tuple[StepFlip, ...] = Field(description="of the steps of a rollout")
    llm_calls: int
    prompt_tokens: int
    completion_tokens: int
    cost_usd: float | None
    stopped: str | None = Field(description="why not everything was asked that was to be")
    exit_status: int = Field(exclude=True)
    decisions: list[dict[str, Any]] = Field(description="what was decided now")


def differences(then: Server, now: Server) -> list[str]:
    """What is not the same, in words; what the server does not tell now is passed over."""
    found = [
        f"{what}: {then.identity.get(what)} → {now.identity.get(what)}"
        for what in sorted(then.identity.keys() | now.identity.keys())
        if then.identity.get(what) != now.identity.get(what)
    ]
    fields = then.entry.keys() | now.entry.keys()
    own = {"weights", "base_url", "model_id"}  # told by the identity
    found += [f"entry: {name}" for name in sorted(fields - own) if then.entry.get(name) != now.entry.get(name)]
    if set(now.models) - set(then.models):
        found.append(f"reported model: {', '.join(then.models) or '–'} → {', '.join(now.models)}")
    if set(now.fingerprints) - set(then.fingerprints):
        found.append(f"fingerprint: {', '.join(then.fingerprints) or '–'} → {', '.join(now.fingerprints)}")
    return found


def sources(requests: Iterable[Request], run_id: str) -> list[Source]:
    """The other runs that asked for a run's replies."""
    found: dict[str, list[str | None]] = defaultdict(list)
    for request in requests:
        if request.run != run_id:
            found[request.run].append(request.answered)
    return [
        Source(
            run=name,
            replies=len(times),
            first=min((t for t in times if t), default=None),
            last=max((t for t in times if t), default=None),
        )
        for name, times in found.items()
    ]
