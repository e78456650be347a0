"""An agent by the folder of its training, as far as it needs nothing but the core."""

from __future__ import annotations

import pytest

from harness.agents import registry as agents
from harness.core.errors import RunError, UsageError
from harness.envs import registry as envs


@pytest.mark.parametrize(
    ("manifest", "error", "sentence"),
    [
        (None, RunError, "is not a run folder"),
        ("{}", RunError, "is of kind 'evaluation'; expected one of kind 'training'"),
        ('{"kind": "training"}', RunError, "Nothing was trained in"),
        (
            '{"kind": "training", "algorithm": "reinforc"}',
            UsageError,
            "There is no algorithm of a trained agent 'reinforc'. Did you mean",
        ),
    ],
)
def test_a_folder_without_a_training_is_refused_with_a_sentence(tmp_path, manifest, error, sentence):
    if manifest is not None:
        (tmp_path / "manifest.json").write_text(manifest)
    with pytest.raises(error, match=sentence):
        agents.make(str(tmp_path), envs.make("polypharmacy/easy-screening"))


def test_a_folder_does_not_hide_an_agent_of_the_same_name(tmp_path, monkeypatch):
    (tmp_path / "random").mkdir()
    monkeypatch.chdir(tmp_path)
    assert agents.make("random", envs.make("icu-sepsis")).id == "random"
    with pytest.raises(UsageError, match="There is no agent 'rondom'"):
        agents.make("rondom", envs.make("icu-sepsis"))
