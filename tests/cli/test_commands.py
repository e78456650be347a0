"""The command line as a user meets it: real processes, their output, their mistakes."""

from __future__ import annotations

import json

import pytest


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["eval", "--env", "icu-sepsi", "--agent", "random"], "no environment 'icu-sepsi'. Did you mean 'icu-sepsis'?"),
        (["eval", "--model", "qwenn"], "no model 'qwenn'. Did you mean 'qwen'?"),
        (["eval", "--model", "qwen2.5-72b"], "needs a key: set the environment variable HF_TOKEN"),
        (["eval"], "Nobody was named to decide; expected --agent ID"),
        (["ab"], "No model was named; expected --model ALIAS, or --base-url"),
        (["ab", "--model", "smollm2"], "No prompt was given; expected two or more, each after --prompt"),
        (["ab", "--model", "smollm2", "--prompt", "direct"], "1 prompt was given; expected two or more"),
        (["eval", "--agent", "random", "--prompt", "direct"], "--prompt belongs to a model"),
        (["eval", "--agent", "random", "--epsilon", "0.1"], "--epsilon belongs to --method certify"),
        (["eval", "--agent", "random", "--until", "0.1"], "--until belongs to --method rollout"),
        (["eval", "--agent", "random", "--json", "--format", "csv"], "--json and --format csv contradict"),
        (["eval", "--base-url", "http://127.0.0.1:1/v1"], "--base-url and --model-id belong together"),
        (["eval", "--agent", "random", "--out", "/dev/null/x"], "Cannot write /dev/null/x"),
        (["eval", "--agent", "random", "--json", "--log", "openenv"], "--json and --log both want stdout"),
        (["eval", "--agent", "random", "--format", "csv", "--log", "openenv"], "--format csv and --log both want"),
        (
            ["eval", "--agent", "random", "--seed-start", "7", "--method", "rollout"],
            "Seed 7 cannot be used to evaluate",
        ),
        (["eval", "--resume", "nowhere"], "'nowhere' is not a run folder"),
        (["eval", "--resume", "nowhere", "--agent", "random"], "--agent does not go with --resume"),
        (["trace", "nowhere"], "'nowhere' is not a run folder"),
        (["optimum", "--env", "insulin"], "no environment 'insulin'"),
        (["envs", "show", "nothing"], "no environment 'nothing'"),
        (["agents", "show", "exprt"], "Did you mean 'expert'?"),
        (["models", "show", "nothing"], "no model 'nothing'"),
        (["models", "pull", "gpt-4o-mini"], "runs on a server"),
        (["models", "check", "qwen"], "are not usable: there is no file"),
        (["models", "check", "groq"], "'groq' is a server; name a model on it, as in groq:NAME"),
        (["eval", "--model", "groq:openai/gpt-oss-20b"], "needs a key: set the environment variable GROQ_API_KEY"),
        (["prompts", "show", "icu-sepsis/dirct"], "Did you mean 'direct'?"),
    ],
)
def test_a_mistake_is_one_sentence_and_a_status(harness_command, words, sentence):
    done = harness_command(*words)
    assert done.returncode in (1, 2)
    assert sentence in done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize("words", [["eval", "--method", "guess"], ["eval", "--epsilon", "x"], ["evl"]])
def test_words_that_are_none_are_refused(harness_command, words):
    done = harness_command(*words)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


COMMANDS = ("eval", "ab", "recheck", "optimum", "trace", "envs", "agents", "models", "prompts", "plan")


@pytest.mark.parametrize("words", [[], *([name] for name in COMMANDS)])
def test_every_command_explains_itself_with_examples(harness_command, words):
    done = harness_command(*words, "--help")
    assert done.returncode == 0
    assert "Example" in done.stdout or words == []
    assert "not medical advice" in done.stdout or words not in ([], ["eval"], ["ab"], ["envs"])


def test_the_optimum_is_printed(harness_command):
    printed = harness_command("optimum").stdout
    for number in ("0.8751", "0.7818", "0.7801", "10.99", "9.24", "9.46"):
        assert number in printed
    values = json.loads(harness_command("optimum", "--json").stdout)
    assert round(values["worst"]["value"], 4) == 0.6330


def test_lists_and_explanations(harness_command):
    assert "icu-sepsis" in harness_command("envs").stdout
    assert "expert" in harness_command("agents").stdout
    assert "smollm2" in harness_command("models").stdout
    assert "icu-sepsis/reasoned" in harness_command("prompts").stdout
    shown = harness_command("envs", "show", "icu-sepsis").stdout
    for words in ("arXiv:2406.05646", "not medical advice", "iv_fluid_level", "nothing is given"):
        assert words in shown
    assert "agents       random, expert, optimal, worst, fallback, human" in shown
    of_warfarin = harness_command("agents", "--env", "warfarin").stdout
    assert "warfarin-bayes" in of_warfarin
    assert "expert" not in of_warfarin
    assert "Apache-2.0" in harness_command("models", "show", "qwen").stdout
    assert "SOFA" in harness_command("prompts", "show", "icu-sepsis/direct").stdout


def test_an_evaluation_is_reported_and_can_be_read(harness_command, tmp_path):
    done = harness_command("eval", "--agent", "expert", "--quiet")
    assert done.returncode == 0
    assert done.stderr == ""
    assert "survival is 0.7818, exactly" in done.stdout
    (run,) = (tmp_path / "runs").iterdir()
    worst = harness_command("trace", str(run), "--worst", "3").stdout
    assert worst.count("regret") == 3
    episode = harness_command("trace", str(run), "--episode", "0").stdout
    assert "step 0 · state" in episode
    assert "episode 0: seed 100000" in harness_command("trace", str(run)).stdout
    missing = harness_command("trace", str(run), "--episode", "9")
    assert (missing.returncode, missing.stderr.count("\n")) == (1, 1)
    assert "no complete episode 9; it has 0 to 2" in missing.stderr
    again = harness_command("eval", "--resume", str(run), "--json")
    assert json.loads(again.stdout)["value"] == pytest.approx(0.78184489)


def test_a_score_says_where_its_meaning_stands(harness_command):
    words = ("--env", "warfarin", "--agent", "warfarin-fixed", "--episodes", "2", "--no-regret")
    assert (
        "score: how episodes were graded, 0 to 1; `harness envs show warfarin`"
        in harness_command("eval", *words).stdout
    )


def test_json_is_the_summary_alone(harness_command):
    summary = json.loads(harness_command("eval", "--agent", "random", "--json").stdout)
    assert {
        "env", "agent", "model", "method", "exact", "value", "lower", "upper", "optimal_value", "expert_value",
        "random_value", "regret", "episodes", "decisions", "llm_calls", "cached_calls", "invalid_actions",
        "inadmissible_share", "prompt_tokens", "completion_tokens", "wall_seconds", "run_dir",
    } <= set(summary)  # fmt: skip


def test_openenv_lines_are_alone_on_stdout(harness_command):
    done = harness_command("eval", "--agent", "expert", "--method", "rollout", "--episodes", "5", "--log", "openenv")
    lines = done.stdout.splitlines()
    assert lines[0] == "[START] task=icu-sepsis env=harness model=expert"
    assert [line.split("]")[0] for line in lines].count("[END") == 5
    assert all(line.startswith(("[START] ", "[STEP] ", "[END] ")) for line in lines)
    first_end = next(line for line in lines if line.startswith("[END]"))
    steps = int(first_end.split("steps=")[1].split()[0])
    assert len(first_end.split("rewards=")[1].split(",")) == steps
    assert f"[STEP] step={steps} " in done.stdout
    assert "survival" in done.stderr


def test_text_from_a_model_cannot_drive_the_terminal(harness_command, server, tmp_path):
    server.answer = lambda question: '\x1b[2J\x1b]0;owned\x07 [bold]{"iv":1,"vp":2}<script>'
    done = harness_command(
        "eval", "--base-url", server.base_url, "--model-id", "evil", "--epsilon", "0.2", "--no-cache", "--quiet"
    )
    assert done.returncode == 0, done.stderr
    (run,) = (tmp_path / "runs").iterdir()
    shown = harness_command("trace", str(run), "--worst", "2").stdout
    assert "\x1b" not in shown
    assert "\\x1b[2J" in shown
    assert "[bold]" in shown


def test_nobody_at_the_address_is_one_sentence_that_says_how_to_go_on(harness_command, tmp_path):
    done = harness_command("eval", "--base-url", "http://127.0.0.1:9/v1", "--model-id", "x", "--quiet")
    assert done.returncode == 1
    assert "refuses connections" in done.stderr
    assert "Go on with: harness eval --resume runs/" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize("command", ["eval", "ab"])
def test_a_value_that_is_none_for_its_option_is_one_sentence(harness_command, command):
    done = harness_command(command, "--model", "qwen", "--prompt", "direct", "--prompt", "reasoned", "--timeout", "0")
    sentence = "harness: An option is not understood: timeout_s: Input should be greater than 0.\n"
    assert (done.returncode, done.stdout, done.stderr) == (2, "", sentence)


def test_an_optimum_that_no_agent_can_reach_is_called_so_wherever_it_stands(harness_command, tmp_path):
    task, said = ("--env", "sepsis-os-hidden"), "optimal (informed: knows what agents cannot)"
    assert said in harness_command("optimum", *task).stdout
    assert json.loads(harness_command("optimum", *task, "--json").stdout)["optimal"]["kind"] == "informed"
    run = ("eval", *task, "--out", str(tmp_path), "--episodes", "0", "--quiet")
    assert said in harness_command(*run, "--agent", "optimal").stdout
    assert said in harness_command(*run, "--agent", "random", "--agent", "fallback").stdout
    assert said not in harness_command("optimum").stdout


def test_no_extra_is_swallowed_as_markup_in_a_help(harness_command):
    for words in (["collect"], ["plot"], ["report"], ["build-mdp"], ["data"]):
        told = " ".join(harness_command(*words, "--help").stdout.split())
        assert "pip install 'harness[" in told
        assert "pip install 'harness'" not in told
