# Two commands on a fresh machine: `make run` and `make test`.
# For GNU make 3.81 (macOS) and newer, with a POSIX shell.
# Pythons to choose from: the first that is new enough makes the virtual environment.
PYTHON ?= python3 python3.13 python3.12 python3.11
VENV   ?= .venv
BIN    := $(VENV)/bin
# The main job: `make run MAIN=scenarios/pop-outage.yaml` runs another.
MAIN   ?= scenarios/red-sea-2024.yaml
# Tests, tools and baselines are held to the versions that they were made with; `make run` takes the newest.
# `make test CONSTRAINTS=/dev/null` tests with the newest.
CONSTRAINTS ?= .ci/constraints.txt
# Worker processes for the tests: a number, or `auto` for one a core.
WORKERS ?= auto
BASELINES := tests/baselines
PIP     = $(BIN)/python -m pip --disable-pip-version-check --no-input install --quiet
METADATA := setup.cfg pyproject.toml emulator/__init__.py

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test test-slow test-routers test-nightly test-all lint format check baselines gallery bench clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' Makefile

$(BIN)/python:
	@set -e; chosen=; \
	for python in $(PYTHON); do \
	  if "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then \
	    chosen="$$python"; break; \
	  fi; \
	done; \
	if [ -z "$$chosen" ]; then \
	  echo "Python 3.11 or newer is needed; none among: $(PYTHON)." >&2; \
	  echo "Install one, or name it: make PYTHON=/path/to/python3.12 $(MAKECMDGOALS)" >&2; \
	  exit 1; \
	fi; \
	if ! "$$chosen" -c 'import ensurepip, venv' >/dev/null 2>&1; then \
	  version=`"$$chosen" -c 'import sys; print("%d.%d" % sys.version_info[:2])'`; \
	  echo "$$chosen cannot make virtual environments: its modules venv and ensurepip are missing." >&2; \
	  echo "On Debian and Ubuntu: apt install python$$version-venv" >&2; \
	  exit 1; \
	fi; \
	echo "making $(VENV) with `"$$chosen" --version`"; \
	"$$chosen" -m venv --clear "$(VENV)"

# A stamp a kind of installation: made again when the metadata changes.
$(VENV)/.run: $(METADATA) | $(BIN)/python
	@echo "installing ipa-emulator into $(VENV)"
	@$(PIP) --editable .
	@touch $@

$(VENV)/.test: $(METADATA) $(wildcard $(CONSTRAINTS)) | $(BIN)/python
	@echo "installing ipa-emulator and its test tools into $(VENV)"
	@$(PIP) --constraint $(CONSTRAINTS) --editable '.[test]'
	@touch $(VENV)/.run $@

run: $(VENV)/.run ## install, then run the main scenario; the last line names the report
	$(BIN)/ipa-emulator run $(MAIN)

lint: $(VENV)/.test ## style, types, import direction
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.test ## put the sources into the common style
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

test: lint ## install with the test tools, then lint and run the fast tests
	$(BIN)/python -m pytest -n $(WORKERS) -m 'not slow and not nightly'

test-slow: $(VENV)/.test ## the tests that take more than five seconds each
	$(BIN)/python -m pytest -n $(WORKERS) -m 'slow and not nightly' --ignore=tests/verify

# One at a time: each starts up to 60 routing daemons, and some are measured.
test-routers: $(VENV)/.test ## the slow tests against real routers (root, Linux; half an hour)
	$(BIN)/python -m pytest -m 'slow and not nightly' tests/verify

test-nightly: $(VENV)/.test ## the largest tests: hundreds of real routers (root, Linux)
	$(BIN)/python -m pytest -m nightly

test-all: test test-slow test-routers check ## everything that CI runs

check: $(VENV)/.test ## run every scenario and compare with the committed baselines
	@mkdir -p out
	$(BIN)/ipa-emulator check scenarios/*.yaml --baseline $(BASELINES) --junit out/check.xml

baselines: $(VENV)/.test ## write the baselines anew; review the difference, then commit it
	$(BIN)/ipa-emulator check scenarios/*.yaml --baseline $(BASELINES) --update

gallery: $(VENV)/.test ## draw plots/ anew from the scenario library
	$(BIN)/python -m emulator.cli.gallery

bench: $(VENV)/.test ## how fast the program is: timings and memory beside their targets
	$(BIN)/python -m pytest tests/bench -p no:xdist --benchmark-columns=min,median,max,rounds

clean: ## remove everything that was made here
	rm -rf $(VENV) out build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .benchmarks .import_linter_cache
	find emulator tests -name __pycache__ -type d -prune -exec rm -rf {} +
