"""Asking again: a server with a policy does not flip, one that changes its mind is found out."""

from __future__ import annotations

import pytest

from harness.core.errors import UsageError
from harness.evaluation import evaluate as evaluation
from harness.evaluation.cast import check
from harness.evaluation.config import Method
from tests.conftest import as_json, hashed_action
from tests.evaluation.test_evaluate import config


async def test_a_policy_does_not_flip(server, tmp_path):
    summary = await evaluation.run(config(server, method=Method.CERTIFY, epsilon=0.1, audit=50), tmp_path)
    assert (summary.audit.asked, summary.audit.flipped) == (50, 0)
    assert 0 < summary.audit.upper < 0.08
    assert sum(server.asked().values()) == summary.llm_calls + 50


async def test_a_server_that_changes_its_mind_is_found_out(server, tmp_path):
    def answer(question):
        first = server.asked()[question] == 1
        return as_json(hashed_action(question) if first or hashed_action(question) % 2 else 12)

    server.answer = answer
    summary = await evaluation.run(config(server, method=Method.CERTIFY, epsilon=0.1, audit=1000), tmp_path)
    assert summary.audit.asked == summary.decisions
    assert 0.3 < summary.audit.flipped / summary.audit.asked < 0.7
    assert summary.audit.upper > summary.audit.flipped / summary.audit.asked


@pytest.mark.parametrize(
    "changes", [{"audit": -1}, {"agent": "random", "audit": 3}, {"method": Method.ROLLOUT, "audit": 3}]
)
def test_an_audit_that_makes_no_sense_is_refused(changes):
    with pytest.raises(UsageError, match="[Aa]udit"):
        check(config(**changes))
