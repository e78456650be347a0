"""What every tabular algorithm is told."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class TrainingSettings(BaseModel):
    """Settings of a training; every algorithm has its own besides."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    episodes: int = Field(500_000, ge=1, description="of every seed; the paper's (`experiments/PaperPlots`)")
