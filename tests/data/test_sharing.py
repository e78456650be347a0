"""Who may be shown data: what is credentialed or one's own goes to no hosted model without the user's word."""

from __future__ import annotations

import pytest

from harness.core.errors import UsageError
from harness.data.sharing import FLAG, Provenance, check_sharing


def of(access="credentialed", kind="unknown"):
    return Provenance(data_set="sepsis", access=access, kind=kind, blob_sha1="0" * 40)


@pytest.mark.parametrize("access", ["credentialed", "own"])
@pytest.mark.parametrize("kind", ["published", "unknown"])
def test_restricted_data_are_not_sent_to_a_hosted_model(access, kind):
    with pytest.raises(UsageError, match=f"'groq:x' is a hosted model; expected an embedded one .*or {FLAG}"):
        check_sharing(of(access, kind), "groq:x", hosted=True, allowed=False)


@pytest.mark.parametrize(
    ("data", "hosted", "allowed"),
    [
        (of(), False, False),
        (of(), True, True),
        (of(kind="stand-in"), True, False),
        (of(access="open"), True, False),
        (of(access="own"), False, False),
    ],
)
def test_embedded_models_open_data_stand_ins_and_the_users_word_are_fine(data, hosted, allowed):
    check_sharing(data, "m", hosted=hosted, allowed=allowed)


def test_a_report_says_that_a_stand_in_is_one():
    assert "not data of patients" in of(kind="stand-in").in_words()
    assert "stand-in" not in of(kind="published").in_words()


def test_a_provenance_is_read_back_from_a_manifest():
    assert Provenance.model_validate_json(of().model_dump_json()) == of()
