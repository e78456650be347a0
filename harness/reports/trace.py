"""Decisions of a run in words: the patient, the prompt, the reply, what was done and what it cost.

Everything that a model wrote is shown as plain text, with control characters spelt out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from harness.core.environment import Environment
from harness.core.errors import RunError, UsageError
from harness.core.run import read_manifest
from harness.core.text import harmless
from harness.core.trace import Episode
from harness.evaluation.manifest import environment_of, opened, part_of
from harness.evaluation.recorded import read_decisions, read_episodes
from harness.evaluation.state_decision import StateDecision
from harness.evaluation.tabular import costliest, recorded_bounds
from harness.mdp.environment import TabularEnvironment


def overview(run: Path) -> Iterator[str]:
    """What there is to see in a run."""
    manifest, config = opened(run)
    decisions, episodes = read_decisions(run), read_episodes(run)
    who = config.model or config.model_id or config.agent
    yield harmless(f"{run}: {who} in {config.env}, method {config.method}, begun {manifest.get('created')}")
    if decisions:
        yield f"{len(decisions)} states asked; the costliest with --worst N"
    for e in episodes:
        regret = "" if e.end.regret is None else f", regret {e.end.regret:.4f} ({e.steps[-1].regret_kind})"
        end = e.end
        yield f"episode {end.episode}: seed {end.seed}, {end.steps} decisions, score {end.grade.score:.3f}{regret}"
    if not decisions and not episodes:
        yield "nothing was decided yet"


def episode(run: Path, number: int) -> Iterator[str]:
    """One episode, step by step.

    Raises
    ------
    RunError
        If the run has no complete episode of that number.
    """
    env = environment_of(run)
    found = {e.end.episode: e for e in read_episodes(run, env)}
    if number not in found:
        there = f"0 to {max(found)}" if found else "none"
        raise RunError(f"The run {run} has no complete episode {number}; it has {there}.")
    yield from _system(run)
    yield from _episode(found[number], env)


def worst(run: Path, n: int) -> Iterator[str]:
    """The `n` decisions that cost most.

    Raises
    ------
    UsageError
        If `n` is less than one.
    RunError
        If the run has no decisions, or none was measured against an optimum.
    """
    if n < 1:
        raise UsageError(f"--worst {n} shows nothing; expected at least 1.")
    env = environment_of(run)
    decisions = read_decisions(run, env) if isinstance(env, TabularEnvironment) else []
    yield from _system(run)
    if not decisions or not isinstance(env, TabularEnvironment):
        yield from _worst_steps(run, env, n)
        return
    by_state = {d.state: d for d in decisions}
    for costly in costliest(env, recorded_bounds(run, env))[:n]:
        d = by_state[costly.state]
        yield ""
        yield f"state {d.state} · {env.describe(d.state)}"
        yield from _decision(d.model_dump(exclude_none=True))
        yield f"  did     {_did(env, d)}"
        yield f"  best    {env.action_labels[env.optimum.actions[d.state]]}"
        yield f"  regret  {costly.regret:.4f} a time, {costly.visits:.4f} visits an episode, costs {costly.cost:.5f}"


def vetoed(run: Path) -> Iterator[str]:
    """Every decision that a shield vetoed: how many by each rule, and what was wanted, done and said against it.

    Raises
    ------
    RunError
        If the run had no shield, or has decided nothing yet.
    """
    shield = opened(run)[1].shield
    if not shield:
        raise RunError(f"The run {run} had no shield, so nothing was vetoed; give it rules by --shield.")
    env: Any = environment_of(run)
    tabular = env if isinstance(env, TabularEnvironment) else None
    asked, episodes = read_decisions(run, tabular), read_episodes(run, env)
    if not asked and not episodes:
        raise RunError(f"The run {run} has decided nothing yet.")
    counts: Counter[str] = Counter()
    lines: list[str] = []
    for d in asked:
        if d.veto_share > 0:
            counts[d.veto.rule if d.veto else "some rule, of what it would draw"] += 1
            lines += ["", f"state {d.state} · {env.describe(d.state)}"]
            if d.veto:
                lines += _veto(d.veto.model_dump(mode="json"))
            else:
                lines.append(f"  wanted  with probability {d.veto_share:.3f} what is not allowed")
            lines.append(f"  did     {_did(env, d)}")
    for e in episodes if not asked else ():
        for step, seen in zip(e.steps, _seen(e), strict=True):
            if veto := step.decision.get("veto"):
                counts[veto["rule"]] += 1
                lines += ["", f"episode {e.end.episode}, step {step.step} · {_where(env, seen)}".rstrip(" ·")]
                lines += [*_veto(veto), f"  did     {_label(env, step.action)}"]
    decisions = len(asked) or sum(len(e.steps) for e in episodes)
    yield f"shield {', '.join(shield)}: {counts.total()} of {decisions} decisions vetoed"
    for rule, n in counts.most_common():
        yield f"  {n:6} by {rule}"
    yield from lines


def _worst_steps(run: Path, env: Environment[Any, Any], n: int) -> Iterator[str]:
    episodes = read_episodes(run, env)
    if not episodes:
        raise RunError(f"The run {run} has no complete episode yet.")
    steps = [(step.regret, episode, step) for episode in episodes for step in episode.steps if step.regret is not None]
    if not steps:
        raise RunError(f"No decision of {run} was measured against an optimum; use --episode.")
    for regret, episode, step in sorted(steps, key=lambda item: -item[0])[:n]:
        yield ""
        yield f"episode {episode.end.episode}, step {step.step} · {_where(env, _seen(episode)[step.step])}".rstrip(" ·")
        yield from _decision(step.decision)
        yield f"  did     {_label(env, step.action)}"
        yield f"  best    {_best(env, episode)[step.step]}"
        yield f"  regret  {regret:.4f} ({step.regret_kind})"


def _seen(episode: Episode) -> list[dict[str, Any]]:
    """What every decision of an episode was based on."""
    return [episode.start.observation, *(step.observation for step in episode.steps[:-1])]


def _where(env: Environment[Any, Any], observation: dict[str, Any]) -> str:
    """The patient in a few words, where the environment has some."""
    if isinstance(env, TabularEnvironment):
        state = int(observation["state"])
        return f"state {state} · {env.describe(state)}"
    described = getattr(env, "describe", None)
    return harmless(described(observation)) if described else ""


def _best(env: Environment[Any, Any], episode: Episode) -> list[str]:
    """What the reference would have done instead of every decision of an episode, which is played again for it."""
    if isinstance(env, TabularEnvironment):
        return [env.action_labels[env.optimum.actions[int(seen["state"])]] for seen in _seen(episode)]
    found = []
    env.reset(episode.end.seed)
    for step in episode.steps:
        found.append(harmless(str(env.reference.best_action())) if env.reference else "")
        env.step(env.action_type.model_validate(step.action))
    return found


def _system(run: Path) -> Iterator[str]:
    manifest = read_manifest(run)
    if system := part_of(manifest, ("prompt", "system")):
        yield harmless(f"prompt {part_of(manifest, ('prompt', 'label'))}, the same for every patient:")
        yield from _indented(str(system))


def _episode(found: Episode, env: Any) -> Iterator[str]:
    end = found.end
    yield f"episode {end.episode} · seed {end.seed} · {found.start.agent} in {found.start.env}"
    for step, seen, best in zip(found.steps, _seen(found), _best(env, found), strict=True):
        yield ""
        yield f"step {step.step} · {_where(env, seen)}".rstrip(" ·")
        yield from _decision(step.decision)
        yield f"  did     {_label(env, step.action)}"
        if best and step.regret is not None:
            yield f"  best    {best}"
        regret = "" if step.regret is None else f"   regret {step.regret:.4f} ({step.regret_kind})"
        yield f"  reward  {step.reward:g}{regret}"
    lost = "" if end.regret is None else f", regret {end.regret:.4f} in all ({found.steps[-1].regret_kind})"
    yield ""
    score = f"return {end.episode_return:g} · score {end.grade.score:.3f}"
    yield f"{end.status} after {end.steps} decisions · {score}{lost}"


def _decision(fields: dict[str, Any]) -> Iterator[str]:
    prompt = fields.get("prompt") or "\n".join(m["content"] for m in fields.get("messages", ()))
    if prompt:
        before = fields.get("remembered", 0)
        yield "  patient" + (f" (the prompt also holds the last {before} of the steps above)" if before else "")
        yield from _indented(prompt)
    for name, label in (("first_reply", "first"), ("rationale", "reason"), ("reply", "reply")):
        if fields.get(name):
            yield f"  {label:8}{harmless(fields[name]).replace(chr(10), chr(10) + ' ' * 10)}"
    if votes := fields.get("votes"):
        counts = Counter("no legal action" if vote is None else _words(vote) for vote in votes)
        yield "  votes   " + ", ".join(f"{n} {what}" for what, n in counts.most_common())
    if veto := fields.get("veto"):
        yield from _veto(veto)
    if fields.get("error"):
        yield f"  {fields['outcome']:7} {harmless(fields['error'])}"


def _veto(veto: dict[str, Any]) -> Iterator[str]:
    yield f"  wanted  {_words(veto['wanted'])}, vetoed by {veto['rule']}: {veto['reason']}"
    for other in veto.get("also", ()):
        yield f"          and by {other}"


def _words(action: dict[str, Any]) -> str:
    return harmless(" ".join(_words(v) if isinstance(v, dict) else f"{name} {v}" for name, v in action.items()))


def _did(env: TabularEnvironment[Any, Any], d: StateDecision) -> str:
    fallback = " (the fallback)" if d.outcome == "invalid" else ""
    return env.choice_label(d.row(env.mdp.n_actions)) + fallback


def _label(env: Any, action: dict[str, Any]) -> str:
    if isinstance(env, TabularEnvironment):
        return env.action_labels[env.action_index(env.action_type.model_validate(action))]
    return harmless(str(env.action_type.model_validate(action)))


def _indented(text: str) -> Iterator[str]:
    for line in harmless(text).splitlines():
        yield f"    {line}"
