"""An agent by the folder of its training, as far as it needs nothing but the core."""

from __future__ import annotations

import pytest

from harness.agents import registry as agents
from harness.agents.rl import deep
from harness.core.errors import RunError, UsageError
from harness.envs import registry as envs


@pytest.mark.parametrize(
    ("manifest", "error", "sentence"),
    [
        (None, RunError, "is not a run folder"),
        ("{}", RunError, "Nothing was trained in"),
        ('{"algorithm": "reinforc"}', UsageError, "There is no algorithm of a trained agent 'reinforc'. Did you mean"),
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


def test_what_is_missing_for_a_network_is_named_with_its_extra(monkeypatch):
    monkeypatch.setattr(deep, "PACKAGES", ("json", "no_such_package"))
    with pytest.raises(UsageError, match=r"^This needs no_such_package, .*pip install 'harness\[deep\]'"):
        deep.require_deep("This")
