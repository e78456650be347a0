"""What a summary says of a run whatever the method: who decided, beside which optimum, at what cost."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from typing import Any

from harness.core.agent import Request
from harness.core.environment import Environment
from harness.evaluation.job import Job
from harness.evaluation.references import reference_values
from harness.evaluation.summary import count_calls
from harness.llm.budget import cost_of
from harness.mdp.environment import TabularEnvironment


def who(job: Job) -> dict[str, Any]:
    """The environment, the agent and how it was asked, as fields of a `Summary`."""
    config, cast = job.config, job.cast
    spec = cast.env.spec
    return {
        "env": spec.id,
        "env_version": spec.version,
        "env_options": config.env_options,
        "agent": cast.agent.id,
        "model": cast.model.entry.alias if cast.model else None,
        "embedded": cast.model.entry.weights is not None if cast.model else None,
        "model_title": cast.model.title if cast.model else None,
        "prompt": cast.model.prompt.label if cast.model else None,
        "shots": cast.model.shots if cast.model else 0,
        "shots_from": cast.model.shots_from if cast.model else None,
        "temperature": config.temperature if cast.model else None,
        "vote": config.vote,
        "memory": config.memory if cast.model else None,
        "taught": config.teach,
        "method": config.method,
        "shield": list(config.shield),
        "shield_mode": config.shield_mode if config.shield else None,
        "assumption_based": spec.assumption_based,
        "value_name": spec.value_name,
        "regret_kind": reference.kind if (reference := cast.env.reference) and config.regret else None,
        "hours_per_step": spec.hours_per_step,
        "run_dir": str(job.folder.path),
    }


def references(env: Environment[Any, Any]) -> dict[str, Any]:
    """The values that the run's own is shown beside, as fields of a `Summary`; none where nothing is known."""
    found = reference_values(env) if isinstance(env, TabularEnvironment) else {}
    return {
        "references": found,
        **{f"{name}_value": found[name].value if name in found else None for name in ("optimal", "expert", "random")},
    }


def failures(found: Iterable[Any]) -> dict[str, int]:
    """How often replies could not be used, by why."""
    return dict(Counter(str(failure) for failure in found if failure))


def spending(job: Job, requests: Iterable[Request]) -> dict[str, Any]:
    """Calls, tokens and money of the run's own requests, as fields of a `Summary`."""
    calls = count_calls(requests, job.run_id)
    money = None
    if job.cast.model is not None:
        money = cost_of(job.cast.model.entry, calls.prompt_tokens, calls.cached_tokens, calls.completion_tokens)
    return calls.model_dump() | {"cost_usd": money}


def finite(value: float | None) -> float | None:
    """An end of an interval as it stands in a file: None where there is none."""
    return value if value is not None and math.isfinite(value) else None
