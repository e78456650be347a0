#!/bin/sh
# A few episodes of qwen in one environment, and its decisions that cost most: for the pages of docs/. What is done is not
# done again.
set -eu
cd "$(dirname "$0")/.."
runs=runs/qwen-plays/$1
if ls "$runs"/*/summary.json > /dev/null 2>&1; then :; else
    mkdir -p "$runs"
    harness eval --env "$1" --model qwen --episodes 3 --quiet --out "$runs" > "$runs.partial"
    mv "$runs.partial" "$runs.txt"
fi
cat "$runs.txt"
harness trace "$runs"/* --worst 2
