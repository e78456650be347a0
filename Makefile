# Two jobs: `make eval` measures a language model, `make test` sets up and passes every check. Both need nothing but
# Python 3.11 or later with pip, and make. `make test` names the tests that it skips for want of an extra;
# `make test-all` installs every extra, and skips none of them.

PYTHON ?= python3
MODEL ?= qwen
ARGS ?=
BIN := .venv/bin
# Of `make test-all`: these files alone.
TESTS ?=
# One process a core, a file's tests in one: a model's would take one another's cores. `make test CORES=` runs all in one.
CORES ?= -n auto --dist loadfile --no-loadscope-reorder
# Newer releases bring gigabytes of CUDA along.
TORCH ?= torch==2.13.0
# Pins gymnasium 1.0.0, which lacks some of our tasks (Taxi-v4); reads our data with newer ones too, and so is installed
# without its dependencies, which no extra can say.
D3RLPY ?= d3rlpy==2.8.1

.PHONY: eval test test-all bench readme clean

eval: .venv/run.stamp
	@$(BIN)/harness eval --env icu-sepsis --model $(MODEL) --method certify --epsilon 0.01 $(ARGS)

test: .venv/dev.stamp
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest $(CORES)

test-all: .venv/all.stamp
	$(BIN)/mypy
	$(BIN)/pytest $(CORES) $(TESTS)

bench: .venv/bench.stamp
	$(BIN)/python benchmarks/solve.py
	$(BIN)/python benchmarks/simulate.py
	$(BIN)/python benchmarks/size.py
	$(BIN)/python benchmarks/interval_coverage.py
	$(BIN)/python benchmarks/drift.py
	$(BIN)/python benchmarks/medication_review.py
	$(BIN)/python benchmarks/warfarin.py
	$(BIN)/python benchmarks/heparin.py
	$(BIN)/python benchmarks/doac.py

readme: .venv/run.stamp
	$(BIN)/python docs/readme.py

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis

.venv/run.stamp: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "harness needs Python 3.11 or later; set PYTHON, e.g. make PYTHON=python3.12" >&2; exit 1; }
	@echo "Installing into .venv, once." >&2
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	@$(BIN)/python -m pip install --quiet --editable ".[local]"
	@touch $@

.venv/dev.stamp: .venv/run.stamp
	@$(BIN)/python -m pip install --quiet --group dev
	@touch $@

.venv/all.stamp: .venv/dev.stamp
	@$(BIN)/python -m pip install --quiet "$(TORCH)"
	@$(BIN)/python -m pip install --quiet --editable ".[local,plots,deep,hemosim,data,offline]" structlog colorama dataclasses-json
	@$(BIN)/python -m pip install --quiet --no-deps "$(D3RLPY)"
	@touch $@

.venv/bench.stamp: .venv/run.stamp
	@$(BIN)/python -m pip install --quiet --group bench
	@touch $@
