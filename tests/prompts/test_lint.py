"""Lint finds each planted fault, and nothing in the built-in prompts that would stop a run."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from harness.core.errors import ModelServerError, UsageError
from harness.envs.registry import make
from harness.llm.registry import ReplyFormat, resolve
from harness.llm.tokens import counting, tokens
from harness.prompts.lint import Severity, lint
from harness.prompts.loader import styles
from tests.mdp.folders import write

TOML = 'version = 1\nsummary = "x"\nchanges = "another wording, against direct@1"\n'
SYSTEM = "{{ env.title }} {{ reply }}"
PATIENT = "{{ description }} {{ features }}"


@pytest.fixture
def checked(tmp_path):
    """Lint a prompt for a small ward, some of its files replaced."""
    env_id = f"mdp:{write(tmp_path / 'ward')}"

    def run(toml=TOML, system=SYSTEM, patient=PATIENT, reply=ReplyFormat.JSON, count=None):
        folder = tmp_path / "mine"
        folder.mkdir()
        for name, text in (("prompt.toml", toml), ("system.md.j2", system), ("observation.md.j2", patient)):
            (folder / name).write_text(text)
        return lint(make(env_id), env_id, str(folder), reply, count)

    return run


def test_a_prompt_without_faults_has_no_findings(checked):
    found = checked()
    assert found.findings == ()
    assert (found.patients, found.alike, found.errors) == (3, 0, 0)
    static, shortest, median, longest = found.lengths
    assert shortest.characters <= median.characters <= longest.characters
    assert all(length.estimated and length.tokens == -(-length.characters // 4) for length in found.lengths)
    assert static.part == "static part"


@pytest.mark.parametrize(
    ("fault", "severity", "file", "words"),
    [
        ({"toml": "version = 1"}, "error", "prompt.toml", "summary: Field required"),
        ({"toml": TOML + 'author = "me"'}, "error", "prompt.toml", "author: Extra inputs"),
        ({"toml": TOML.replace('"x"', '" "')}, "error", "prompt.toml", "the summary is empty"),
        ({"toml": 'version = 1\nsummary = "x"'}, "warning", "prompt.toml", "does not say what this prompt changes"),
        ({"system": "{% if %} {{ reply }}"}, "error", "system.md.j2", "not valid Jinja"),
        ({"system": "{% for a in [1] %}" * 30 + "{% endfor %}" * 30}, "error", "system.md.j2", "not valid Jinja"),
        ({"patient": "{{ description | shouted }} {{ features }}"}, "error", "observation.md.j2", "No filter named"),
        ({"system": SYSTEM + "{{ description }}"}, "error", "system.md.j2", "'description' belongs to one patient"),
        ({"system": SYSTEM + "{{ env.titel }}"}, "error", "system.md.j2", "no attribute 'titel'"),
        ({"patient": PATIENT + "{{ feature }}"}, "error", "observation.md.j2", "Did you mean 'features'?"),
        ({"patient": PATIENT + "{% if state == 2 %}{{ features.nothing }}{% endif %}"}, "error", "observation.md.j2",
         "no attribute 'nothing'"),
        ({"patient": "{{ features }}"}, "warning", "observation.md.j2", "'description' differs between patients"),
        ({"system": "Decide."}, "error", "system.md.j2", "neither template uses 'reply'"),
        ({"system": "Decide.", "patient": PATIENT + "{{ reply }}"}, "warning", "observation.md.j2", "stands with the"),
        ({"patient": PATIENT + "{{ reply }}"}, "warning", "observation.md.j2", "stands in both templates"),
        ({"patient": "A patient."}, "error", "observation.md.j2", "all patients have the same text"),
        ({"patient": "{{ features.map_mmhg > 50 }}"}, "warning", "observation.md.j2", "2 patients have the same text"),
        ({"patient": "{{ '' if state else description }}"}, "error", "observation.md.j2", "2 of 3 patients have"),
        ({"toml": TOML + "rationale = true", "reply": ReplyFormat.LABEL}, "error", "prompt.toml", "one label"),
    ],
)  # fmt: skip
def test_each_fault_is_found(checked, fault, severity, file, words):
    found = checked(**fault)
    hits = [f for f in found.findings if words in f.text]
    assert [(f.severity, f.file) for f in hits] == [(Severity(severity), file)], found.findings
    assert (found.errors > 0) == any(f.severity is Severity.ERROR for f in found.findings)


def test_what_the_environment_hides_is_no_fault_of_the_prompt():
    found = lint(make("sepsis-os-hidden"), "sepsis-os-hidden", "direct", ReplyFormat.JSON)
    assert found.alike == found.shown_alike > 0
    assert found.findings == ()


@pytest.mark.parametrize("style", styles("icu-sepsis"))
def test_the_built_in_prompts_have_no_errors(sepsis, style):
    assert lint(sepsis, "icu-sepsis", style, ReplyFormat.JSON).errors == 0


def test_a_prompt_that_is_not_there_is_no_finding(sepsis):
    with pytest.raises(UsageError, match="Did you mean 'direct'"):
        lint(sepsis, "icu-sepsis", "dirct", ReplyFormat.JSON)


def test_counted_tokens_are_not_marked_as_estimated(checked):
    found = checked(count=lambda texts: [len(text.split()) for text in texts])
    assert not any(length.estimated for length in found.lengths)
    patients = [length.tokens for length in found.lengths[1:]]
    assert patients == sorted(patients)  # by tokens, whatever the order by characters


def test_the_longest_in_tokens_need_not_be_the_longest_in_characters(checked):
    found = checked(count=lambda texts: [1_000 - len(text) for text in texts])
    patients = [(length.characters, length.tokens) for length in found.lengths[1:]]
    assert patients[0][1] == 1_000 - patients[-1][0]
    assert patients[-1][1] == 1_000 - patients[0][0]


def test_tokens_are_counted_by_the_server_of_the_model():
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            content = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["content"]
            found = {"tokens": content.split()} if self.path == "/tokenize" and content != "broken" else {}
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(found).encode())

        def log_message(self, *args):
            pass

    http = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    address = f"http://127.0.0.1:{http.server_address[1]}/v1"
    assert tokens(address, "three small words") == 3
    with pytest.raises(ModelServerError, match="could not count tokens"):
        tokens(address, "broken")
    http.shutdown()
    http.server_close()


def test_a_served_model_counts_no_tokens(tmp_path):
    with pytest.raises(UsageError, match="runs on a server"), counting(resolve("gpt-4o-mini"), tmp_path / "log"):
        pass
