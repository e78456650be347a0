"""What is wrong with data, in the words of whoever checks it."""

from __future__ import annotations

import pytest
from pydantic import BaseModel, ValidationError, field_validator, model_validator

from harness.core.errors import UsageError, first_problem
from harness.llm.registry import entries


class Range(BaseModel):
    low: int
    high: int

    @field_validator("low")
    @classmethod
    def _not_negative(cls, low: int) -> int:
        if low < 0:
            raise ValueError("the low end is negative")
        return low

    @model_validator(mode="after")
    def _in_order(self) -> Range:
        if self.low > self.high:
            raise ValueError("the ends are the wrong way round")
        return self


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"low": -1, "high": 2}, "low: the low end is negative"),
        ({"low": 3, "high": 2}, "all of it: the ends are the wrong way round"),
        ({"low": 3}, "high: Field required"),
    ],
)
def test_the_first_problem_is_said_in_the_words_of_whoever_checks(given, said):
    with pytest.raises(ValidationError) as caught:
        Range.model_validate(given)
    assert first_problem(caught.value) == said


def test_a_faulty_entry_of_a_model_file_is_told_in_its_own_words(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "harness.models.toml").write_text('[mine]\ntitle = "t"\n')
    with pytest.raises(UsageError, match=r"entry \[mine\]: all of it: an entry has either \[weights\] or a"):
        entries()
