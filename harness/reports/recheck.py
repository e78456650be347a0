"""A drift check in words: who answered, what flipped, and what that is worth."""

from __future__ import annotations

from collections.abc import Iterator

from harness.core.text import harmless
from harness.evaluation.again import Plan
from harness.evaluation.config import Method
from harness.evaluation.rechecked import Change, Recheck, Server
from harness.reports.block import Block
from harness.reports.flips import tables
from harness.reports.text import between, number, percent

RUN_SHOWN = 8
"""Characters of another run's name."""


def announcement(plan: Plan) -> str:
    """What is about to be asked, and what it takes."""
    cost = "" if plan.cost is None else f", {plan.cost:.4f} USD"
    return (
        f"Asking {plan.asked} of {plan.recorded} decisions again, past the cache: about {plan.calls} calls, "
        f"{plan.tokens:,} tokens{cost}, as in the run."
    )


def head(found: Recheck) -> Iterator[str]:
    """What was checked, and what was found, line by line."""
    who = " ".join(filter(None, (found.agent, found.prompt)))
    yield f"{found.env} v{found.env_version} · {harmless(who)}, the same prompt · {found.run} ({found.method})"
    yield _server(found)
    for source in found.cached:
        first, last = source.first, source.last
        when = f", given {_time(first)} to {_time(last)} UTC" if first and last else ""
        yield f"{source.replies} of the run's replies came from the cache: run {source.run[:RUN_SHOWN]}…{when}."
    yield from (f"Of the run: {harmless(caveat)}." for caveat in found.caveats)
    if found.stopped:
        yield f"Stopped: {harmless(found.stopped)} This is what is known so far."
    yield _asked(found)
    if found.share is not None and found.share.interval != "none":
        lower, upper = percent(found.share.lower), percent(found.share.upper)
        unit = "episodes" if found.method is Method.ROLLOUT else "draws"
        yield (
            f"Flips: {percent(found.share.value)} of {found.share_of}, 95 % interval {lower} – {upper} "
            f"({found.share.interval}, n = {found.share.n} {unit})."
        )
    if found.change is not None:
        yield from _change(found, found.change)
    elif found.method is Method.ROLLOUT:
        yield "What a flip leads to was not played: the value now takes a new run."
    else:
        yield "With these replies the policy never ends, so there is no value to compare."


def blocks(found: Recheck, top: int) -> Iterator[Block]:
    """The flips, those that matter most first; nothing where there are none."""
    if found.flips is not None and found.flips.flips:
        yield from tables(found.flips, found.value_name, top)
    if found.step_flips:
        shown = found.step_flips[:top]
        yield Block(
            f"Flips; gain in {found.value_name} by the reference's values, at once",
            ("seed", "step", "state", "gain", "then", "now", "patient"),
            [
                (
                    str(flip.seed),
                    str(flip.step),
                    "" if flip.state is None else str(flip.state),
                    "–" if flip.gain is None else f"{round(flip.gain, 4) + 0.0:+.4f}",
                    harmless(flip.base),
                    harmless(flip.other),
                    harmless(flip.description),
                )
                for flip in shown
            ],
            (f"Shown: {len(shown)} of {len(found.step_flips)}.",) if len(shown) < len(found.step_flips) else (),
        )


def foot(found: Recheck) -> str:
    """What it took."""
    cost = "" if found.cost_usd is None else f" · {found.cost_usd:.4f} USD"
    return f"{found.llm_calls} calls · {found.prompt_tokens:,} + {found.completion_tokens:,} tokens{cost}"


def _server(found: Recheck) -> str:
    if found.changed:
        return f"Changed since the run: {harmless('; '.join(found.changed))}."
    who = harmless(_identity(found.now))
    if "weights_sha256" in found.now.identity:
        return f"The model is the same: {who}."
    told = "" if found.now.fingerprints else "; the server tells no fingerprint"
    return f"The model has the same name: {who}{told}. Whether its weights are the same shows in its replies alone."


def _identity(server: Server) -> str:
    identity = server.identity
    if "weights_sha256" in identity:
        return f"weights {identity['weights_sha256'][:8]}… on {identity.get('engine')}"
    reported = f", reported as {', '.join(server.models)}" if server.models else ""
    fingerprint = f", fingerprint {', '.join(server.fingerprints)}" if server.fingerprints else ""
    return f"{identity.get('model')} on {identity.get('server')}{reported}{fingerprint}"


def _asked(found: Recheck) -> str:
    rollout = found.method is Method.ROLLOUT
    what = "decisions" if rollout else "states"
    flipped = f"{found.flipped} decided otherwise now"
    if found.drawn is None:
        if found.share is None:
            return f"Asked {found.asked} of {found.recorded} {what} again: {flipped}."
        visits = "" if found.flips is None else f", {percent(found.flips.share_flipped)} of an episode's decisions"
        share = percent(found.flipped / found.asked)
        return f"Asked all {found.asked} {what} again: {flipped} ({share} of them{visits})."
    how = "drawn evenly" if rollout else f"{found.drawn} draws, by what is at stake"
    return f"Asked {found.asked} of {found.recorded} {what} again ({how}; seed {found.seed}): {flipped}."


def _change(found: Recheck, change: Change) -> Iterator[str]:
    name = found.value_name
    exact = change.before[0] == change.before[1] and change.replaced[0] == change.replaced[1]
    complete = found.share is not None and found.drawn is None
    subject = f"With these replies {name} is" if complete else f"With these replies in place of the old ones {name} is"
    then, now = (_bounds(pair) for pair in (change.before, change.replaced))
    if exact:
        yield f"{subject} {now} instead of {then}: {_signed(change.known)}, exactly."
    else:
        yield f"{subject} {now} instead of {then}, for certain; the upper bound moves by {_signed(change.known)}."
    if complete:
        return
    full = "--all tells it exactly" if exact else "--all tells it without sampling"
    if change.whole is not None:
        whole = change.whole
        what, limits = "it" if exact else "that bound", between(whole.lower, whole.upper)
        yield (
            f"If all {found.recorded} were asked again {what} would change by {_signed(whole.value)}, 95 % interval "
            f"{limits} ({whole.interval}, n = {whole.n}): an estimate, to first order in the flips; {full}."
        )
    else:
        yield f"What would change if all were asked again is not told by this sample; {full}."
    if change.now is not None:
        yield f"For certain, whatever the other states would answer: {name} is now {_bounds(change.now)}."


def _bounds(pair: tuple[float, float]) -> str:
    return number(pair[0]) if pair[0] == pair[1] else f"between {between(*pair).replace(' – ', ' and ')}"


def _signed(value: float) -> str:
    return f"{round(value, 4) + 0.0:+.4f}" if value else "0"


def _time(text: str) -> str:
    return text[:16].replace("T", " ")
