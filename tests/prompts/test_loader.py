"""Prompts: static part first, undefined variables are errors, templates are sandboxed."""

from __future__ import annotations

import shutil

import pytest

from harness.core.errors import UsageError
from harness.prompts.find import find
from harness.prompts.loader import BUILTIN, load, styles


def fields(sepsis, state):
    return sepsis.observe(state).model_dump()


@pytest.fixture
def own(tmp_path):
    folder = tmp_path / "mine"
    shutil.copytree(BUILTIN / "icu-sepsis" / "direct", folder)
    return folder


@pytest.mark.parametrize("style", styles("icu-sepsis"))
def test_every_style_renders_every_patient_apart(sepsis, style):
    prompt = load("icu-sepsis", style)
    static = {"env": sepsis.spec.model_dump(), "reply": "Reply."}
    texts = {prompt.observation_message(static, fields(sepsis, s)).content for s in range(713)}
    assert len(texts) >= 700
    assert all("SOFA" in text and len(text) < 1_000 for text in texts)
    assert "Reply." in prompt.system_message(static).content


def test_the_patient_is_not_in_the_static_part(sepsis, own):
    (own / "system.md.j2").write_text("SOFA {{ sofa }}")
    with pytest.raises(UsageError, match=r"system.md.j2 cannot be rendered: 'sofa' is undefined"):
        load("icu-sepsis", str(own)).system_message({"env": sepsis.spec.model_dump(), "reply": ""})


def test_an_unknown_variable_is_named(sepsis, own):
    (own / "observation.md.j2").write_text("{{ lactat }}")
    with pytest.raises(UsageError, match=r"observation.md.j2 cannot be rendered: 'lactat' is undefined"):
        load("icu-sepsis", str(own)).observation_message(
            {"env": sepsis.spec.model_dump(), "reply": ""}, fields(sepsis, 0)
        )


@pytest.mark.parametrize(
    "template",
    [
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ env.__init__.__globals__ }}",
        "{% for i in range(10 ** 9) %}{% endfor %}",
        "{{ findings.__class__ }}",
        "{{ 1 / 0 }}",
    ],
)
def test_templates_cannot_leave_the_sandbox(sepsis, own, template):
    (own / "observation.md.j2").write_text(template)
    with pytest.raises(UsageError, match="cannot be rendered"):
        load("icu-sepsis", str(own)).observation_message(
            {"env": sepsis.spec.model_dump(), "reply": ""}, fields(sepsis, 0)
        )


@pytest.mark.parametrize(
    ("template", "sentence"),
    [
        ("{{ reply | dictsort }}", "cannot be rendered: 'str' object has no attribute 'items'"),
        ("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "cannot be rendered: maximum recursion depth exceeded"),
        ("{{ reply | center(10 ** 15) }}", "cannot be rendered: it takes more memory than there is"),
        ("{% for a in [1] %}" * 30 + "{% endfor %}" * 30, "is not valid Jinja: too many statically nested blocks"),
        ("{{ " + "(" * 3_000 + "1" + ")" * 3_000 + " }}", "is not valid Jinja: maximum recursion depth exceeded"),
    ],
)
def test_a_template_that_fails_in_python_gets_one_sentence(own, template, sentence):
    (own / "system.md.j2").write_text(template)
    with pytest.raises(UsageError, match=sentence):
        load("icu-sepsis", str(own)).system_message({"env": None, "reply": "Reply."})


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda f: (f / "system.md.j2").unlink(), "system.md.j2 cannot be read: No such file"),
        (lambda f: (f / "system.md.j2").write_bytes(b"\xff\xfe"), "system.md.j2 cannot be read: it is not UTF-8"),
        (lambda f: (f / "observation.md.j2").write_text("{% if %}"), "is not valid Jinja"),
        (lambda f: (f / "prompt.toml").write_text("version ="), "is not valid TOML"),
        (lambda f: (f / "prompt.toml").write_text('version = 0\nsummary = "x"'), "version: Input should be greater"),
        (lambda f: (f / "prompt.toml").write_text("version = 1"), "summary: Field required"),
    ],
)
def test_a_faulty_prompt_is_named(own, damage, sentence):
    damage(own)
    with pytest.raises(UsageError, match=sentence):
        load("icu-sepsis", str(own)).system_message({"env": None, "reply": ""})


@pytest.mark.parametrize("name", ["dirct", "no/such/folder"])
def test_a_prompt_that_is_not_there_is_named_with_the_others(name):
    with pytest.raises(UsageError, match="direct"):
        load("icu-sepsis", name)


def test_a_name_says_which_environment_and_prompt(tmp_path, monkeypatch):
    (tmp_path / "sepsis-os" / "direct").mkdir(parents=True)
    (tmp_path / "icu-sepsis" / "mine").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert find("sepsis-os/direct") == ("sepsis-os", "direct")
    assert find("icu-sepsis/mine") == ("icu-sepsis", "icu-sepsis/mine")  # a folder here, no style
    assert find("direct") == ("icu-sepsis", "direct")
    assert find("direct", "sepsis-os") == ("sepsis-os", "direct")
    assert find("mdp:a/ward") == ("mdp:a/ward", "direct")
    assert find("mdp:a/ward/direct") == ("mdp:a/ward", "direct")
    with pytest.raises(UsageError, match="is one of sepsis-os"):
        find("sepsis-os/direct", "icu-sepsis")
