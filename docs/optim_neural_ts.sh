#!/bin/sh
# The tables of docs/medication-review.md about OptimNeuralTS: three arms, and the published schedule of retraining, on the
# data set of the published size. Ten minutes on one core. What is done is not done again: to begin anew, delete
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
# 30,000 steps, the published number, take some 4 minutes a seed (leave --steps and --warm-up out), and hours by the
# published schedule: a tenth of them shows everything side by side.
for arm in optim-neural-ts no-search random; do
    search "$arm" --arm "$arm" --steps 3000 --warm-up 1000 --seeds 0,1
done
search published-schedule --schedule published --steps 3000 --warm-up 1000 --seeds 0,1
