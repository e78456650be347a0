"""Which environments a policy can be learned in: those whose states have views."""

from __future__ import annotations

from typing import Any

from harness.agents.rl.review_views import ReviewViews
from harness.agents.rl.views import Views
from harness.core.environment import Environment
from harness.core.errors import UsageError
from harness.envs.polypharmacy.environment import MedicationReview


def views_of(env: Environment[Any, Any]) -> Views:
    """The views of an environment's states.

    Raises
    ------
    UsageError
        If there are none.
    """
    if isinstance(env, MedicationReview):
        return ReviewViews(env.tables)
    raise UsageError(
        f"Nothing is trained in {env.spec.id} by 'reinforce'; it learns medication reviews, "
        "e.g. --env polypharmacy/easy-screening."
    )
