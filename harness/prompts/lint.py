"""What can be found wrong with a prompt before a model is asked anything.

Errors are faults that stop a run or make its result mean something else; warnings may be meant.
"""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from jinja2 import meta

from harness.core.environment import Environment
from harness.core.errors import UsageError
from harness.core.seeds import EVALUATION_START
from harness.llm.registry import ReplyFormat
from harness.mdp.environment import TabularEnvironment
from harness.prompts.loader import BUILTIN, FILES, NO_TEMPLATE, Prompt, load, sandbox, styles
from harness.prompts.render import variables

STATIC = ("env", "reply", "examples")
"""What both templates may use."""

NOT_SHOWN = ("state",)
"""Fields that are for the harness, not for a model."""

PATIENTS = 200
"""First patients that are looked at where an environment has no table of states."""

CHARACTERS_PER_TOKEN = 4
"""A guess for English text; what it gives is marked as estimated."""


class Severity(StrEnum):
    """How bad a finding is."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True)
class Finding:
    """Something wrong, and in which file."""

    severity: Severity
    file: str
    text: str


@dataclass(frozen=True)
class Length:
    """How long a part of the prompt is."""

    part: str
    characters: int
    tokens: int
    estimated: bool


@dataclass(frozen=True)
class Report:
    """What was found.

    Attributes
    ----------
    prompt : str
        'env/style@version'; without a version where it could not be read.
    findings : tuple of Finding
    lengths : tuple of Length
        Of the static part, and of the shortest, median and longest patient; empty where nothing could be rendered.
    patients, alike, shown_alike : int
        How many patients were rendered, how many of them have the same text as another, and how many the environment
        itself shows like another.
    tokenizer : str or None
        Whose tokens were counted; None where they are estimated.
    """

    prompt: str
    findings: tuple[Finding, ...]
    lengths: tuple[Length, ...] = ()
    patients: int = 0
    alike: int = 0
    shown_alike: int = 0
    tokenizer: str | None = None

    @property
    def errors(self) -> int:
        """How many findings are errors."""
        return sum(finding.severity is Severity.ERROR for finding in self.findings)


Count = Callable[[Sequence[str]], list[int]]


def lint(
    env: Environment[Any, Any],
    env_id: str,
    name: str,
    reply: ReplyFormat,
    count: Count | None = None,
    tokenizer: str | None = None,
) -> Report:
    """Everything that can be said of a prompt without a model.

    Parameters
    ----------
    env : Environment
    env_id, name : str
        As for `harness.prompts.loader.load`.
    reply : ReplyFormat
    count : function of texts, optional
        Their lengths in tokens; estimated without it.
    tokenizer : str, optional
        Whose tokens those are.

    Raises
    ------
    UsageError
        If there is no such prompt.
    """
    try:
        prompt = load(env_id, name)
    except UsageError as error:
        if name not in styles(env_id) and not Path(name).is_dir():
            raise
        return Report(f"{env_id}/{name}", (Finding(Severity.ERROR, _file_of(error), str(error)),))
    observations = list(_observations(env))
    findings = [*_front_matter(prompt), *_templates(prompt, observations)]
    try:
        static = variables(env, prompt, reply)
    except UsageError as error:
        return Report(f"{env_id}/{prompt.label}", (*findings, Finding(Severity.ERROR, FILES[0], str(error))))
    try:
        system = prompt.system_message(static).content
    except UsageError as error:
        return Report(f"{env_id}/{prompt.label}", (*findings, *_unless_known(findings, error)))
    texts = []
    for observation in observations:
        try:
            texts.append(prompt.observation_message(static, observation).content)
        except UsageError as error:
            return Report(f"{env_id}/{prompt.label}", (*findings, *_unless_known(findings, error)))
    alike, shown_alike = _alike(texts), _alike([_content(o) for o in observations])
    findings += _rendered(system, texts, alike - shown_alike)
    return Report(
        f"{env_id}/{prompt.label}",
        tuple(findings),
        _lengths(system, texts, count),
        len(texts),
        alike,
        shown_alike,
        tokenizer,
    )


def _lengths(system: str, texts: Sequence[str], count: Count | None) -> tuple[Length, ...]:
    """Of the static part and of the patients; which patient is the longest may differ by what is counted."""
    parts = [system, *texts]
    tokens = count(parts) if count else [-(-len(text) // CHARACTERS_PER_TOKEN) for text in parts]
    by_characters, by_tokens = sorted(map(len, texts)), sorted(tokens[1:])
    found = [Length("static part", len(system), tokens[0], count is None)]
    for name, at in (("shortest", 0), ("median", (len(texts) - 1) // 2), ("longest", len(texts) - 1)):
        found.append(Length(f"{name} patient", by_characters[at], by_tokens[at], count is None))
    return tuple(found)


def _observations(env: Environment[Any, Any]) -> Iterator[dict[str, Any]]:
    if isinstance(env, TabularEnvironment):
        for state in env.mdp.decision_states:
            yield env.observe(int(state)).model_dump()
    else:
        for seed in range(EVALUATION_START, EVALUATION_START + PATIENTS):
            yield env.reset(seed).model_dump()


def _front_matter(prompt: Prompt) -> Iterator[Finding]:
    if not prompt.meta.summary.strip():
        yield Finding(Severity.ERROR, FILES[0], "the summary is empty; say in one line what this prompt does")
    if "\n" in prompt.meta.summary.strip():
        yield Finding(Severity.WARNING, FILES[0], "the summary has several lines; lists show one")
    built_in = BUILTIN.resolve() in prompt.folder.resolve().parents
    said = (prompt.meta.changes or "").strip()
    if not built_in and (not said or said.startswith("nothing yet")):
        yield Finding(Severity.WARNING, FILES[0], "'changes' does not say what this prompt changes, against which one")


def _templates(prompt: Prompt, observations: Sequence[Mapping[str, Any]]) -> Iterator[Finding]:
    """Faults that the templates show without being rendered."""
    fields = list(observations[0])
    used: dict[str, set[str]] = {}
    for file, text, allowed in (
        (FILES[1], prompt.system, STATIC),
        (FILES[2], prompt.observation, (*STATIC, *fields)),
    ):
        jinja = sandbox()
        try:
            jinja.from_string(text)  # a filter that does not exist is found here, and not by `parse`
            used[file] = meta.find_undeclared_variables(jinja.parse(text))
        except NO_TEMPLATE as error:
            yield Finding(Severity.ERROR, file, f"not valid Jinja: {error}")
            continue
        for name in sorted(used[file] - set(allowed)):
            if name in fields:
                what = f"'{name}' belongs to one patient, and this part is the same for all; move it to {FILES[2]}"
            else:
                near = difflib.get_close_matches(name, allowed, n=1)
                hint = f" Did you mean '{near[0]}'?" if near else ""
                what = f"there is no variable '{name}'.{hint} Valid: {', '.join(allowed)}"
            yield Finding(Severity.ERROR, file, what)
    if set(used) != set(FILES[1:]):
        return
    system, patient = used[FILES[1]], used[FILES[2]]
    for name in fields:
        if name not in patient and name not in NOT_SHOWN and _varies(name, observations):
            yield Finding(Severity.WARNING, FILES[2], f"'{name}' differs between patients and is not used")
    if "reply" not in system | patient:
        yield Finding(Severity.ERROR, FILES[1], "neither template uses 'reply': the model is not told how to answer")
    elif "reply" not in system:
        yield Finding(Severity.WARNING, FILES[2], "'reply' stands with the patient, not in the part that is shared")
    elif "reply" in patient:
        yield Finding(Severity.WARNING, FILES[2], "'reply' stands in both templates; the model is told twice")


def _unless_known(findings: Sequence[Finding], error: UsageError) -> Iterator[Finding]:
    """Rendering fails for what was said before, or for something new."""
    file = _file_of(error)
    if not any(f.file == file and f.severity is Severity.ERROR for f in findings):
        yield Finding(Severity.ERROR, file, str(error))


def _file_of(error: UsageError) -> str:
    """The file of a prompt that a message names first."""
    text = str(error)
    return min((file for file in FILES if file in text), key=text.index, default=FILES[0])


def _varies(name: str, observations: Sequence[Mapping[str, Any]]) -> bool:
    return any(observation[name] != observations[0][name] for observation in observations)


def _content(observation: Mapping[str, Any]) -> str:
    return repr({name: value for name, value in observation.items() if name not in NOT_SHOWN})


def _alike(texts: Sequence[str]) -> int:
    """How many texts are the same as another."""
    return sum(n for n in Counter(texts).values() if n > 1)


def _rendered(system: str, texts: Sequence[str], hidden: int) -> Iterator[Finding]:
    if not system:
        yield Finding(Severity.WARNING, FILES[1], "the static part is empty")
    if empty := sum(not text for text in texts):
        yield Finding(Severity.ERROR, FILES[2], f"{empty} of {len(texts)} patients have an empty text")
    if len(texts) > 1 and len(set(texts)) == 1:
        yield Finding(Severity.ERROR, FILES[2], "all patients have the same text")
    elif hidden > 0:
        what = f"{hidden} patients have the same text as another, though the environment shows them apart"
        yield Finding(Severity.WARNING, FILES[2], what)
