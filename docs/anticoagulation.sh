#!/bin/sh
# The table of agents in anticoagulation.md: trains the network, evaluates everybody on 500 held-out patients of each task.
# What is done is not done again: to begin anew, delete runs/anticoagulation.
set -eu
cd "$(dirname "$0")/.."
runs=runs/anticoagulation
done_() { ls "$1"/*/summary.json > /dev/null 2>&1; }
evaluate() {
    folder=$runs/$1/$2
    if ! done_ "$folder"; then
        rm -rf "$folder"  # an interrupted one
        harness eval --env "$1" --agent "$3" --episodes 500 --no-regret --quiet --out "$folder" > /dev/null
    fi
}

for agent in random fixed nomogram nomogram-clinical nomogram-pharmacogenetic nomogram-gage ebm bayes oracle; do
    evaluate warfarin $agent warfarin-$agent
done
for agent in none random fixed standard cruickshank raschke posterior oracle; do
    evaluate heparin $agent heparin-$agent
done
if ! done_ $runs/training; then harness train dqn --env heparin-labs --out $runs/training >&2; fi
for agent in none random fixed raschke anti-xa anti-xa-proportional nemati-stand-in posterior oracle; do
    evaluate heparin-labs $agent heparin-$agent
done
evaluate heparin-labs dqn "$(echo $runs/training/*)"
for agent in random fixed-apixaban fixed-rivaroxaban fixed-dabigatran fixed-edoxaban fixed-warfarin hemosim label optimal; do
    evaluate doac $agent doac-$agent
done
for task in warfarin heparin heparin-labs doac; do harness rank $runs/$task/*/*; done
harness compare $runs/heparin-labs/raschke/* $runs/heparin-labs/dqn/* $runs/heparin-labs/posterior/* $runs/heparin-labs/fixed/* $runs/heparin-labs/random/*
