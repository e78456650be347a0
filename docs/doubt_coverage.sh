#!/bin/sh
# How often the intervals of `harness doubt` hold the truth, in patient-data.md: some ten minutes on one core. What is
# done is not done again: to begin anew, delete runs/doubt-coverage.
set -eu
cd "$(dirname "$0")/.."
done_=runs/doubt-coverage/16.txt
if [ ! -e "$done_" ]; then
    mkdir -p runs/doubt-coverage
    python benchmarks/doubt_coverage.py 16 > "$done_.partial"
    mv "$done_.partial" "$done_"
fi
cat "$done_"
