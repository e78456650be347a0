"""What the neural offline learners are told, by name; the defaults are those of CQL-sepsis.

From the repository anishmariathasan/CQL-sepsis: `configs/`, `results/*/config.yaml`, and where these are silent
`src/algorithms/*.py` and `scripts/reproduce_all.ps1`. Adam's other settings are torch's own.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, model_validator

MOST_LOOKS = 1_000
"""What the network says in every state is kept at each."""


class Settings(BaseModel):
    """What every neural learner is told."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int = Field(0, description="of the first weights and of the batches drawn")
    steps: int = Field(100_000, ge=1, description="of Adam")
    look_every: int = Field(5_000, ge=1, description="steps after which the policy is looked at; the last always is")
    batch: int = Field(256, ge=1, description="transitions of a step, drawn with replacement")
    hidden: int = Field(256, ge=1, description="of the embedding of a state, and of each of the two hidden layers")
    learning_rate: float = Field(3e-4, gt=0, allow_inf_nan=False, description="of Adam")

    @model_validator(mode="after")
    def _few_looks(self) -> Settings:
        if self.steps > MOST_LOOKS * self.look_every:
            raise ValueError(f"look_every {self.look_every} makes more than {MOST_LOOKS:,} looks")
        return self

    @property
    def looks(self) -> tuple[int, ...]:
        """Steps after which the policy is looked at."""
        return (*range(self.look_every, self.steps, self.look_every), self.steps)


class Cloning(Settings):
    """Behaviour cloning."""

    weight_decay: float = Field(1e-4, ge=0, allow_inf_nan=False, description="of Adam: added to the gradient")
    greedy: bool = Field(True, description="take the likeliest action, as CQL-sepsis does; else act by probabilities")


class DoubleDQN(Settings):
    """Double DQN."""

    discount: float = Field(0.99, gt=0, le=1, description="γ in learning, where that of the data is not lower")
    tau: float = Field(0.005, gt=0, le=1, description="share of the weights that the target network takes at a step")
    clip: float = Field(1.0, gt=0, description="largest norm of a gradient")


class Conservative(DoubleDQN):
    """Conservative Q-learning."""

    alpha: float = Field(1.0, ge=0, allow_inf_nan=False, description="α, the weight of the conservative term")


NEURAL: dict[str, type[Settings]] = {
    "neural-behaviour-cloning": Cloning,
    "double-dqn": DoubleDQN,
    "neural-conservative-q": Conservative,
}
"""The learners, each told by its settings what it is."""
