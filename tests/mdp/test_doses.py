"""Doses and severity as an `mdp.toml` tells them, and what is refused."""

from __future__ import annotations

import pytest

from harness.core.errors import HarnessError
from harness.envs.registry import make
from harness.evaluation.safety import bands, safety
from tests.mdp.folders import WARD, write

DOSES = '[[doses]]\nname = "drug"\nlevels = ["none", "some"]\nof_actions = [0, 1]\n'


def env_of(tmp_path, text):
    return make(f"mdp:{write(tmp_path / 'ward', mdp=WARD['mdp.toml'] + text)}")


def test_a_folder_tells_doses_and_severity(tmp_path):
    told = '[severity]\nname = "MAP"\nunit = "mmHg"\nbounds = [55, 65]\nof_states = [72, 58, 46, nan, nan]\n'
    env = env_of(tmp_path, DOSES + told)
    assert [mask.tolist().index(True) for mask in bands(env).values()] == [0, 2, 1, 0]
    everywhere = safety(env, env.mdp.legal / 2)[0]
    assert (everywhere.doses["drug"].extreme, everywhere.extreme) == pytest.approx((0.5, 0.5))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (DOSES.replace("[0, 1]", "[0]"), "the dose 'drug' has a level for 1 actions; expected"),
        (DOSES.replace("[0, 1]", "[0, 2]"), "of_actions names level 2; expected 0 to 1"),
        (DOSES + DOSES, "the dose 'drug' is there twice"),
        ('[severity]\nname = "x"\nbounds = [2, 1]\nof_states = []\n', "expected them to rise"),
        ('[severity]\nname = "x"\nbounds = [2]\nof_states = [1.0]\n', "the severity has a value for 1 states"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_sentence(tmp_path, text, sentence):
    with pytest.raises(HarnessError, match=sentence) as refused:
        env_of(tmp_path, text)
    assert "\n" not in str(refused.value)
