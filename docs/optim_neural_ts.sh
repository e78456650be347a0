#!/bin/sh
# The tables of docs/medication-review.md about OptimNeuralTS: at full size by three arms, and both schedules at a tenth of
# the steps. About an hour on one core. What is done is not done again: to begin anew, delete
# runs/optim-neural-ts.
set -eu
cd "$(dirname "$0")/.."
search() {
    folder=runs/optim-neural-ts/$1
    shift
    if ls "$folder"/*/summary.json > /dev/null 2>&1; then :; else
        harness train optim-neural-ts --quiet --out "$folder" "$@" > /dev/null
    fi
    harness train optim-neural-ts --quiet --resume "$(echo "$folder"/*)" | sed -n '/ schedule · /,$p' | sed '/^Simulated/,$d'
}
search optim-neural-ts --seeds 0
search no-search --arm no-search --seeds 0
search random --arm random --seeds 0
search published-schedule --schedule published --steps 3000 --warm-up 1000 --seeds 0,1
search warm-schedule --steps 3000 --warm-up 1000 --seeds 0-4
