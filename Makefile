# Everything a person runs. `make` alone lists it.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# More than there are cores, for many tests wait: for a process, a line, a clock.
AT_ONCE := -n 6 --dist worksteal
SETUP_FILES := setup.cfg pyproject.toml
# What is installed is what these files name: each file of each release by its hash, and nothing that is not there.
LOCK := --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --custom-compile-command 'make lock'
INSTALL := $(BIN)/python -m pip install --quiet --require-hashes --requirement

.DEFAULT_GOAL := help
.PHONY: help setup setup-test run test proofs check lint audit lock bench clean

help: ## this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

setup: $(VENV)/.ready ## a virtual environment in .venv with what a station needs

setup-test: $(VENV)/.ready-test ## the same, with what the tests need

$(VENV)/.ready: $(SETUP_FILES) requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || (echo "Sado needs Python 3.11 or newer: make PYTHON=python3.11 ..." && false)
	$(PYTHON) -m venv $(VENV)
	$(INSTALL) requirements.txt
	PYTHONWARNINGS=ignore $(BIN)/python -m pip install --quiet --no-index --no-deps --no-build-isolation --editable .
	@mkdir -p $(VENV)/names && ln -sfn ../.. $(VENV)/names/sado
	@touch $@

$(VENV)/.ready-test: $(VENV)/.ready requirements-test.txt
	$(INSTALL) requirements-test.txt
	@touch $@

run: setup ## the demo: a hub, a village station, a phone (ARGS="--data DIR --station-port N --hub-port N")
	$(BIN)/sado demo $(ARGS)

test: setup-test ## every test but the long proofs
	$(BIN)/python -m pytest $(AT_ONCE) -m 'not long'

proofs: setup-test ## the long proofs: kills, power cuts, flipped bits, a backlog
	$(BIN)/python -m pytest $(AT_ONCE) -m long

lint: setup-test ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

check: lint test ## what has to pass before a commit; `.ci/run` adds the proofs

audit: setup-test ## known advisories against what is installed, and bandit over the product
	$(BIN)/python .ci/audit.py

lock: ## write requirements*.txt anew from setup.cfg (needs uv; UPGRADE=--upgrade takes newer releases)
	uv pip compile $(LOCK) $(UPGRADE) --extra audit --extra build --extra test --output-file requirements-test.txt setup.cfg
	uv pip compile $(LOCK) --extra build --constraint requirements-test.txt --output-file requirements.txt setup.cfg

bench: setup-test ## the benchmarks, in their quick form
	$(BIN)/python bench/hops.py --quick
	$(BIN)/python bench/memory.py --quick
	$(BIN)/python bench/abuse.py --quick
	$(BIN)/python bench/audit.py --quick
	$(BIN)/python bench/engine.py --quick
	$(BIN)/python bench/sms.py --quick
	$(BIN)/python bench/wire.py --quick
	$(BIN)/python bench/line.py --quick
	$(BIN)/python bench/backlog.py --quick

clean: ## remove the virtual environment and the demo's data
	rm -rf $(VENV) demo-data
