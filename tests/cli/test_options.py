from typing import get_args

import pytest

from harness.agents.bandits.combinations import Disjoint
from harness.agents.bandits.optim_neural_ts import Arm
from harness.agents.bandits.training import Schedule
from harness.agents.checks.check import ShieldMode
from harness.agents.shield import RULES
from harness.cli import options
from harness.cli.train import optim_neural_ts
from harness.envs.icu_sepsis.environment import Inadmissible
from harness.evaluation.config import Method, RunConfig
from harness.evaluation.intervals import Interval
from harness.llm.budget import Limits
from harness.llm.registry import ReplyFormat
from harness.prompts.loader import Source
from harness.reports.table import Format


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (options.MethodName, Method),
        (options.InadmissibleName, Inadmissible),
        (options.ReplyName, ReplyFormat),
        (options.SourceName, Source),
        (options.ShieldModeName, ShieldMode),
        (options.IntervalName, Interval),
        (options.FormatName, Format),
        (optim_neural_ts.ArmName, Arm),
        (optim_neural_ts.ScheduleName, Schedule),
        (optim_neural_ts.DisjointName, Disjoint),
    ],
)
def test_what_can_be_typed_is_what_is_meant(words, meant):
    assert set(get_args(words)) == {str(value) for value in meant}


def test_options_that_are_handed_on_are_fields_of_what_takes_them():
    assert set(options.DRAWING) <= set(RunConfig.model_fields)
    assert set(options.LIMITS.values()) == set(Limits.model_fields)


def test_every_rule_of_a_shield_is_listed_where_the_help_says(harness_here):
    (help_of_shield,) = (option.help for option in get_args(options.Shield) if hasattr(option, "help"))
    assert "`harness agents rules` lists them" in help_of_shield
    listed = harness_here("agents", "rules").stdout
    assert [name for name in RULES.entries() if name not in listed] == []
