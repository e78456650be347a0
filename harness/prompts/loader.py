"""Prompts: found by style or path, rendered in a sandbox, static part first.

A prompt is a folder with `prompt.toml` (version, summary, rationale, changes; shots and shots_from where it shows
examples), `system.md.j2` and `observation.md.j2`. The system message is the same for every patient, so that servers can
reuse its prefix; only the observation changes. Examples stand in it, as the variable `examples`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

from jinja2 import StrictUndefined, Template, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from harness.core.agent import Message
from harness.core.errors import UsageError, first_problem, unknown_name
from harness.prompts.variants import Variant, of_observation, of_sandbox, of_static

BUILTIN = Path(__file__).parent
FILES = ("prompt.toml", "system.md.j2", "observation.md.j2")

NO_TEMPLATE = (TemplateError, SyntaxError, RecursionError)
"""What a text that is no template raises: Jinja makes Python of it, which can be nested too deeply for Python."""

FAULTY = (
    TemplateError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError, RecursionError, MemoryError,
)  # fmt: skip
"""What a template raises when it is rendered: filters and methods take what they are given as it is."""


class Source(StrEnum):
    """Whose decisions a prompt shows as examples."""

    EXPERT = "expert"
    """The clinicians', as estimated from the data."""
    OPTIMAL = "optimal"
    """The optimal policy's: they tell a part of the answer."""


class PromptMeta(BaseModel):
    """The contents of `prompt.toml`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: int = Field(ge=1, description="rises with any change of wording")
    summary: str = Field(description="one line: what this prompt does differently")
    rationale: bool = Field(False, description="whether the reply starts with a short rationale")
    changes: str | None = Field(None, description="what it changes, and against which prompt")
    shots: int | None = Field(None, ge=0, description="how many examples it shows; none if not given")
    shots_from: Source = Field(Source.EXPERT, description="whose decisions the examples are")
    paraphrases: str | None = Field(None, description="the built-in style that it says in other words, nothing else")


@dataclass(frozen=True)
class Prompt:
    """A prompt as read from its folder. `name` is the style, or the folder's name; a `variant` keeps its meaning."""

    name: str
    folder: Path
    meta: PromptMeta
    system: str
    observation: str
    variant: Variant | None = None

    @property
    def label(self) -> str:
        """'style@version', and the variant, as shown in tables."""
        return f"{self.name}@{self.meta.version}" + (f" {self.variant}" if self.variant else "")

    @cached_property
    def source_sha256(self) -> str:
        """Hash of both templates."""
        return sha256(f"{self.system}\0{self.observation}".encode()).hexdigest()

    @cached_property
    def _templates(self) -> tuple[Template, Template]:
        jinja = sandbox(self.variant)
        compiled = []
        for name, text in zip(FILES[1:], (self.system, self.observation), strict=True):
            try:
                compiled.append(jinja.from_string(text))
            except NO_TEMPLATE as error:
                raise UsageError(f"The template {self.folder / name} is not valid Jinja: {error}.") from error
        return compiled[0], compiled[1]

    def system_message(self, static: Mapping[str, Any]) -> Message:
        """The message that is the same for every patient; its template may use `static` (`env`, `reply`, `examples`).

        Templates get plain data (numbers, text, lists, mappings): an object's methods would be a way out of the
        sandbox.
        """
        return Message(role="system", content=self._rendered(0, {"examples": [], **of_static(self.variant, static)}))

    def observation_message(self, static: Mapping[str, Any], observation: Mapping[str, Any]) -> Message:
        """The message about one patient; its template may use the observation's fields too.

        Raises
        ------
        UsageError
            If the template uses a variable that does not exist, or fails.
        """
        given = {**of_static(self.variant, static), **of_observation(self.variant, observation)}
        return Message(role="user", content=self._rendered(1, given))

    def _rendered(self, which: int, variables: Mapping[str, Any]) -> str:
        try:
            return self._templates[which].render(variables).strip()
        except FAULTY as error:
            name, why = self.folder / FILES[1 + which], str(error) or "it takes more memory than there is"
            raise UsageError(f"The template {name} cannot be rendered: {why}.") from error


def sandbox(variant: Variant | None = None) -> ImmutableSandboxedEnvironment:
    """The Jinja environment of templates: undefined variables are errors, and there are no globals."""
    jinja = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, autoescape=False
    )
    jinja.globals.clear()
    of_sandbox(variant, jinja)
    return jinja


def styles(env_id: str) -> list[str]:
    """The built-in styles of an environment; those of users' own MDPs (`mdp:PATH`) are in `mdp`."""
    folder = BUILTIN / _family(env_id)
    return sorted(p.parent.name for p in folder.glob("*/prompt.toml")) if folder.is_dir() else []


def paraphrases(env_id: str, style: str) -> list[str]:
    """The built-in styles that say a built-in one in other words."""
    known = styles(env_id)
    return [name for name in known if style in known and load(env_id, name).meta.paraphrases == style]


def load(env_id: str, prompt: str) -> Prompt:
    """The prompt named by a built-in style of `env_id`, or by the path of a folder.

    Raises
    ------
    UsageError
        If there is no such style or folder, or a file of it is missing or cannot be read.
    """
    builtin = styles(env_id)
    folder = BUILTIN / _family(env_id) / prompt if prompt in builtin else Path(prompt)
    if not folder.is_dir():
        if folder.exists() or "/" in prompt:
            raise UsageError(
                f"'{prompt}' is not a folder; a prompt is a folder with {', '.join(FILES)} "
                f"(built in for {env_id}: {', '.join(builtin) or 'none'})."
            )
        raise unknown_name(f"prompt for {env_id}", prompt, builtin)
    texts = []
    for name in FILES:
        try:
            texts.append((folder / name).read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
            raise UsageError(
                f"The prompt file {folder / name} cannot be read: {reason}; a prompt folder has {', '.join(FILES)}."
            ) from error
    try:
        meta = PromptMeta.model_validate(tomllib.loads(texts[0]))
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{folder / FILES[0]} is not valid TOML: {error}.") from error
    except ValidationError as error:
        raise UsageError(f"{folder / FILES[0]}: {first_problem(error)}.") from error
    return Prompt(name=folder.resolve().name, folder=folder, meta=meta, system=texts[1], observation=texts[2])


def _family(env_id: str) -> str:
    """The folder of an environment's prompts: its own, or the one that tasks of one family, `family/task`, share."""
    whole = env_id.partition(":")[0]
    return whole if "/" in whole and (BUILTIN / whole).is_dir() else whole.partition("/")[0]
