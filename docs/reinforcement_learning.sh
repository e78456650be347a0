#!/bin/sh
# One of the studies of reinforcement-learning.md: table-3, sweep, off-policy or cql-sepsis. It begins, goes on, or prints what is
# finished; to begin anew, delete its folder in runs/reinforcement-learning. `figures` draws what they came to.
set -eu
cd "$(dirname "$0")/.."
runs=runs/reinforcement-learning/$1
if [ "$1" = figures ]; then
  harness plot runs/reinforcement-learning/table-3/* --out docs/figures/learning-curves
  harness reproduce cql-sepsis --resume runs/reinforcement-learning/cql-sepsis/* --plots docs/figures >/dev/null
  exec rm docs/figures/*.svg
fi
mkdir -p "$runs"
case $1 in
table-3) exec harness reproduce icu-sepsis --table 3 --processes 2 --resume --out "$runs" ;;
sweep) begun=$(ls -d "$runs"/*-sweep 2>/dev/null || true) command="harness sweep --env icu-sepsis --agent expert --seeds 10" ;;
cql-sepsis) begun=$(ls -d "$runs"/*-cql-sepsis 2>/dev/null || true) command="harness reproduce cql-sepsis" ;;
off-policy) shown=--headline begun=$(ls -d "$runs"/*-off-policy 2>/dev/null || true) command="harness reproduce off-policy --headline" ;;
esac
if [ -n "$begun" ]; then exec ${command%% --*} --resume $begun ${shown:-}; fi
exec $command --out "$runs"
