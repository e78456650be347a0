#!/bin/sh
# The medication review's table in README.md: trains what learns, evaluates everybody on all three tasks, prints one table.
# Some 40 minutes on two cores, most of them the language model's. What is done is not done again: to begin anew, delete
# runs/medication-review.
set -eu
cd "$(dirname "$0")/.."
for setting in easy-screening:16000:20 budgeted-screening:8000:4 complex-tradeoff:4800:2; do
    task=${setting%%:*} rest=${setting#*:}
    env=polypharmacy/$task runs=runs/medication-review/$task trained=${rest%:*} asked=${rest#*:}
    undone() { ! ls "$runs/$1"/*/summary.json > /dev/null 2>&1; }
    evaluate() {
        folder=$runs/$1 episodes=$2
        shift 2
        harness eval --env "$env" --episodes "$episodes" --no-regret --quiet --format csv --out "$folder" "$@" > /dev/null
    }

    if undone reinforce; then harness train reinforce --env "$env" --episodes "$trained" --out "$runs/reinforce" >&2; fi
    if undone search; then
        harness train optim-neural-ts --env "$env" --steps 6000 --warm-up 4000 --out "$runs/search" >&2
    fi
    for agent in random heuristic pharmacist uninformed experienced informed; do
        if undone "$agent"; then evaluate "$agent" 500 --agent "$agent"; fi
    done
    for kind in reinforce search; do
        if undone "by-$kind"; then evaluate "by-$kind" 500 --agent "$(echo "$runs/$kind"/*)"; fi
    done
    if undone qwen; then evaluate qwen "$asked" --model qwen; fi
done
task=easy-screening env=polypharmacy/$task runs=runs/medication-review/$task
if undone shielded; then evaluate shielded 20 --model qwen --shield known-drugs --shield no-stop-critical; fi
harness rank runs/medication-review/*/[!rs]*/* runs/medication-review/*/random/* runs/medication-review/*/shielded/* --format markdown
