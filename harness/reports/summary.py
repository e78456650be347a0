"""The report of one run: where the agent stands, and which decisions cost most."""

from __future__ import annotations

from collections.abc import Iterator

from rich import box
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from harness.core.environment import ReferenceKind
from harness.core.text import harmless
from harness.envs.ids import short_name
from harness.evaluation.config import Method
from harness.evaluation.summary import Audit, Summary
from harness.reports.text import (
    between,
    counted,
    duration,
    not_for_ranking,
    number,
    percent,
    policy_name,
    with_options,
    without_interval,
)

WORST_SHOWN = 5
AGAINST = {
    ReferenceKind.EXACT: "its optimum",
    ReferenceKind.INFORMED: "its informed optimum, which knows what agents cannot",
    ReferenceKind.ACHIEVABLE: "the best policy known",
    ReferenceKind.ESTIMATED: "the best policy known; its values, and so every regret, are estimates",
}
NOTICE = "A benchmark, not medical advice."


def report(summary: Summary) -> Iterator[RenderableType]:
    """The parts of the report, top to bottom."""
    yield Text(_headline(summary))
    yield Text(_finding(summary), style="bold")
    if summary.stopped:
        yield Text(f"Stopped: {summary.stopped} This is what is known so far.")
    yield Text()
    yield _policies(summary)
    yield Text("\n".join((_meaning(summary), *_columns(summary))), style="dim")
    if summary.assumption_based:
        yield Text(not_for_ranking(summary.env))
    if summary.shield:
        yield Text("Its value is that of the agent with its shield: what a rule vetoed was not done.", style="dim")
    if summary.shots_from == "optimal":
        yield Text("Its prompt shows decisions of the optimal policy: a part of the optimum was told.", style="dim")
    if summary.taught:
        yield Text("After each decision its regret was told, and what was best (--teach).", style="dim")
    if summary.audit is not None:
        yield Text(_audit(summary.audit))
    if summary.worst_decisions:
        yield Text()
        yield _worst(summary)
    yield Text()
    yield Text(_effort(summary))
    measured = summary.method != "rollout" or summary.regret is not None or summary.worst_decisions
    yield Text(f"read on: harness trace {summary.run_dir} {'--worst 20' if measured else '--episode 0'}")
    yield Text(NOTICE, style="dim")


def print_report(console: Console, summary: Summary) -> None:
    """Print the report."""
    for part in report(summary):
        console.print(part)


def _headline(s: Summary) -> str:
    options = with_options(s.env_options)
    who = f"{s.agent} ({s.model_title})" if s.model_title and s.model_title != s.agent else s.agent
    memory = "no memory" if s.memory in (None, "none") else f"memory {s.memory}"
    shots = f" with {s.shots} examples ({s.shots_from})" if s.shots else ""
    how = f" · prompt {s.prompt}{shots} · {memory}, {_drawing(s)}" if s.prompt else ""
    shield = f" · shield {', '.join(s.shield)} ({s.shield_mode})" if s.shield else ""
    return f"{short_name(s.env)} v{s.env_version}{options} · {who}{how}{shield}"


def _drawing(s: Summary) -> str:
    if s.from_logprobs:
        return "probabilities of labels"
    several = f", {s.samples} samples a state" if s.samples > 1 else ""
    vote = f", majority of {s.vote}" if s.vote > 1 else ""
    return f"temperature {s.temperature or 0:g}{vote}{several}"


def _finding(s: Summary) -> str:
    what = s.value_name
    if s.method is Method.ROLLOUT:
        if s.lower is None or s.upper is None:
            return f"{what} {number(s.value)}, {without_interval(s)} (n = {s.episodes})"
        return f"{what} {number(s.value)}, 95 % interval {between(s.lower, s.upper)} ({s.interval}, n = {s.episodes})"
    asked = f"asked {s.decisions} of {s.states} states"
    if s.samples > 1:
        return f"{asked} · {what} {number(s.value)}, 95 % interval {between(s.lower, s.upper)} ({s.interval})"
    if s.lower == s.upper:
        return f"{asked} · {what} is {number(s.value)}, {'for these replies' if s.caveats else 'exactly'}"
    sure = "for these replies" if s.caveats else "for certain"
    return f"{asked} · {what} is between {between(s.lower, s.upper).replace(' – ', ' and ')}, {sure}"


def _policies(s: Summary) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("policy")
    in_time, unit = _stay(s)
    stay = f"mean stay ({in_time})"
    scored = ["score"] if _scored(s) else []
    vetoes = ["vetoed"] if s.shield else []
    for heading in (s.value_name, "regret", *scored, stay, "invalid", "inadmissible", *vetoes):
        table.add_column(heading, justify="right")
    own = Text(policy_name(s.agent, s.regret_kind), style="bold")
    rows: list[tuple[float, list[str | Text]]] = []
    for name, reference in s.references.items():
        label = "expert (clinician)" if name == "expert" else policy_name(name, s.regret_kind)
        if name == s.agent and s.exact:
            continue
        lost = (s.optimal_value or 0.0) - reference.value
        stayed = "–" if reference.length is None else f"{unit * reference.length:.1f}"
        cells = [label, number(reference.value), number(lost), stayed, "", ""]
        rows.append((reference.value, list(cells)))
    length = _length(s, unit)
    invalid = percent(s.invalid_share)
    regret = between(s.regret_lower, s.regret_upper) if s.regret is not None else "–"
    value = between(s.lower, s.upper)
    if s.method is Method.ROLLOUT or s.samples > 1:
        value = f"{number(s.value)} ({value})"
        regret = f"{number(s.regret)} ({regret})" if s.regret is not None else "–"
    vetoed = [percent(s.veto_share)] if s.shield else []
    score = [f"{number(s.mean_score or 0.0)} ({between(s.mean_score_lower, s.mean_score_upper)})"] if scored else []
    rows.append((s.value, [own, value, regret, *score, length, invalid, percent(s.inadmissible_share), *vetoed]))
    for _, row in sorted(rows, key=lambda row: -row[0]):
        table.add_row(*row)
    if s.method is Method.ROLLOUT and s.raw_value is not None and s.estimator != "mean return":
        raw = f"{number(s.raw_value)} ({between(s.raw_lower, s.raw_upper)})"
        table.add_row(Text("  raw mean of returns", style="dim"), Text(raw, style="dim"))
    return table


def _scored(s: Summary) -> bool:
    return not s.references and s.mean_score is not None


def _stay(s: Summary) -> tuple[str, float]:
    """The unit in which stays are told, and how many of it a decision is: days where a decision is a day or more."""
    hours = s.hours_per_step
    if not hours:
        return "steps", 1.0
    return ("d", hours / 24) if hours >= 24 else ("h", hours)


def _columns(s: Summary) -> Iterator[str]:
    """What is to be said of columns that do not speak for themselves."""
    if _scored(s):
        yield f"score: how episodes were graded, 0 to 1; `harness envs show {short_name(s.env)}` says by what."
    if any(reference.length is None for reference in s.references.values()):
        yield "mean stay –: under that policy an episode may never end."


def _length(s: Summary, unit: float) -> str:
    if s.length_lower is None or s.length_upper is None:
        return "–" if s.length is None else f"{unit * s.length:.1f} (–)"
    low, high = unit * s.length_lower, unit * s.length_upper
    return f"{low:.1f}" if high - low < 0.05 else f"{low:.1f} – {high:.1f}"


def _meaning(s: Summary) -> str:
    text = _read(s)
    for why in dict.fromkeys(s.no_interval.values()):
        names = [name for name, its in s.no_interval.items() if its == why and (name != "score" or not s.references)]
        text += f"\nNo interval of {', '.join(names)}: {why}." if names else ""
    return text


def _read(s: Summary) -> str:
    if s.truncated_episodes:
        return (
            f"{s.agent}: mean return of {counted(s.episodes)}, of which {s.truncated_episodes} were cut off. The other "
            "rows are exact values without that limit, so no regret is given."
        )
    if s.method is Method.ROLLOUT and s.references:
        how = {"mean return": "the mean return"}.get(s.estimator or "", "J* minus the summed regret of the decisions")
        text = f"{s.agent}: an estimate over {counted(s.episodes)}, {how}. The other rows are exact."
        if s.until is not None and s.upper is not None and s.lower is not None and (s.upper - s.lower) / 2 > s.until:
            text += f"\n--until {s.until:g} was not reached in {counted(s.episodes)}; --episodes sets their number."
        return text
    if s.method is Method.ROLLOUT:
        text = f"{s.agent}: means of {counted(s.episodes)}"
        if s.regret is None or s.regret_kind is None:
            return f"{text}; nothing was measured against an optimum."
        return f"{text}, each measured against {AGAINST[s.regret_kind]}."
    if s.samples > 1:
        text = f"{s.agent}: an estimate from {s.samples} replies in every state. The other rows are exact."
    elif s.exact:
        text = "All rows are exact: every state was asked that the policy can reach, nothing was sampled."
    else:
        text = (
            f"{s.agent}: certain bounds, no sampling. The other rows are exact. Shares: of visits to the states asked."
        )
    if s.label_unseen_most:
        text += (
            f"\nBounds allow for labels that the server did not list, up to {percent(s.label_unseen_most)} in a state."
        )
    for caveat in s.caveats:
        text += f"\nMind: {caveat}."
    drawn = s.samples > 1 or s.from_logprobs
    if s.embedded is False and s.audit is None and not drawn:
        text += "\nThe model was served elsewhere: this holds for its replies; --audit 50 asks some states again."
    return text


def _audit(a: Audit) -> str:
    share = f"{percent(a.flipped / a.asked)}, at most {percent(a.upper)} with 95 % confidence"
    return f"Audit: of {a.asked} states asked again, {a.flipped} were decided differently ({share})."


def _worst(s: Summary) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, title_justify="left", title_style="")
    table.title = f"Where the regret is: {s.value_name} lost per 1,000 patients"
    for heading in ("state", "patient", "chose", "best"):
        table.add_column(heading)
    table.add_column("lost", justify="right")
    for d in s.worst_decisions[:WORST_SHOWN]:
        table.add_row(str(d.state), d.description, d.chosen, d.best, f"{1000 * d.cost:.2f}")
    return table


def _effort(s: Summary) -> str:
    parts = []
    if s.model is not None:
        if s.label_mass_mean is not None:
            least = percent(s.label_mass_least)
            parts.append(f"labels had {percent(s.label_mass_mean)} of the first token's probability, at least {least}")
        parts += [
            f"{s.llm_calls} calls ({s.cached_calls} more from cache{_since(s)})",
            f"{s.prompt_tokens:,} + {s.completion_tokens:,} tokens",
        ]
        if s.cached_tokens:
            parts.append(f"{s.cached_tokens:,} of the prompts' tokens from the server's cache")
        if s.cost_usd is not None:
            parts.append(f"{s.cost_usd:.4f} USD")
        if s.failures:
            parts.append("replies not usable at first: " + ", ".join(f"{n} {why}" for why, n in s.failures.items()))
        if s.left_out:
            parts.append(f"without {' and '.join(s.left_out)}, which the server refused")
        for name, values in s.otherwise.items():
            parts.append(f"{name} was {' or '.join(f'{value:g}' for value in values)}, as the server reports")
        if len(s.providers) > 1:
            parts.append(f"answered by {' and '.join(map(harmless, s.providers))}")
        if s.cut_off_replies:
            parts.append(f"{s.cut_off_replies} replies cut off (see --max-tokens)")
        if s.unconstrained_replies:
            parts.append(f"{s.unconstrained_replies} replies not held to the schema, which the server refused")
        if s.repaired_actions:
            parts.append(f"{s.repaired_actions} repaired at the second attempt")
    parts.append(f"{duration(s.wall_seconds)} min" if s.wall_seconds >= 60 else f"{s.wall_seconds:.1f} s")
    return " · ".join(parts)


def _since(s: Summary) -> str:
    """Since when; weights are known by their hash, while a server may hold others under the same name by now."""
    return f", the oldest of {s.cached_since[:10]}" if s.cached_since and not s.embedded else ""
