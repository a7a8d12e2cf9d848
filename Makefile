# Two commands on a fresh machine: `make run` and `make test`.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
MAIN   := scenarios/red-sea-2024.yaml
# Worker processes for the tests; one core is left alone on larger machines.
WORKERS ?= auto

.DEFAULT_GOAL := help
.PHONY: help run test test-all lint check gallery bench clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is " + sys.version.split()[0]) if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)

# A stamp a kind of installation: reinstalled when the metadata changes.
$(VENV)/.run: setup.cfg pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.test: setup.cfg pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test]'
	@touch $@ $(VENV)/.run

run: $(VENV)/.run ## install, then run the main scenario; out/red-sea-2024/report.html has the answer
	$(BIN)/ipa-emulator run $(MAIN)

lint: $(VENV)/.test ## style, types, import direction
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: lint ## install with the test extras, then lint and run the fast tests
	$(BIN)/python -m pytest -n $(WORKERS) -m 'not slow'

test-all: lint ## the slow tests too, as CI does
	$(BIN)/python -m pytest -n $(WORKERS)

check: $(VENV)/.run ## run every scenario and compare with the committed baselines
	$(BIN)/ipa-emulator check scenarios/*.yaml --baseline tests/baselines

gallery: $(VENV)/.run ## draw plots/ anew from the scenario library
	$(BIN)/python -m emulator.cli.gallery

bench: $(VENV)/.test ## how fast the program is (timings and memory, not part of the tests)
	$(BIN)/python -m pytest tests/bench -p no:xdist --benchmark-columns=min,median,max,rounds

clean: ## remove everything that was made here
	rm -rf $(VENV) out build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .benchmarks .import_linter_cache
