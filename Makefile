# One command each: `make demo` shows what Loresmith does, `make test` and `make check` prove it still does.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV ?= .venv
BIN := $(abspath $(VENV))/bin
QUESTION ?= Where can I pick up something I lost on board?
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help setup demo test check lint type imports format bench clean

help:
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 10

setup: $(VENV)/.installed-all ## create the virtual environment and install Loresmith with everything it runs on

demo: $(VENV)/.installed-all ## build the sample assistant anew in demo/, from real weights, and ask it a question
	@rm -rf demo
	@"$(BIN)/loresmith" new demo --recipe harbour-desk
	@"$(BIN)/loresmith" build --project demo
	@echo; echo "> $(QUESTION)"
	@"$(BIN)/loresmith" ask --project demo --rung hybrid "$(QUESTION)"

test: $(VENV)/.installed-dev ## run the tests
	@"$(BIN)/python" -m pytest -n 2

check: lint type imports ## lint, types, import contracts

lint: $(VENV)/.installed-dev ## ruff, as linter and as formatter
	@"$(BIN)/ruff" check kit plugins tui tests
	@"$(BIN)/ruff" format --check kit plugins tui tests

type: $(VENV)/.installed-dev ## mypy, strict
	@"$(BIN)/mypy"

imports: $(VENV)/.installed-dev ## the arrows between the packages
	@"$(BIN)/lint-imports"

format: $(VENV)/.installed-dev ## put the code into shape
	@"$(BIN)/ruff" check --fix kit plugins tui tests
	@"$(BIN)/ruff" format kit plugins tui tests

bench: $(VENV)/.installed-bench ## time training beside plain TRL
	@"$(BIN)/python" tests/benchmarks/bench_train.py

clean: ## remove what was made here, but not the virtual environment
	@rm -rf dist build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache demo
	@find kit plugins tui tests -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "error: there is no python3; name one with PYTHON=..." >&2; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "error: $(PYTHON) is older than Python 3.11; name a newer one with PYTHON=..." >&2; exit 1; }
	"$(PYTHON)" -m venv "$(VENV)"

# A torch that is in the environment already stays: it may be a build for the user's own GPU.
$(VENV)/.installed-%: pyproject.toml constraints.txt | $(VENV)/bin/python
	@have=$$("$(BIN)/python" -c 'from importlib.metadata import version; print(version("torch"))' 2>/dev/null || true); \
	pinned=$$(sed -n 's/^torch==//p' constraints.txt); \
	cp constraints.txt "$(VENV)/constraints.txt"; \
	if [ -n "$$have" ] && [ "$${have%%+*}" != "$$pinned" ]; then \
	  echo "keeping torch $$have, which is in $(VENV); tested was $$pinned"; \
	  sed -i.bak "s/^torch==.*/torch==$$have/" "$(VENV)/constraints.txt"; \
	fi
	"$(BIN)/python" -m pip install --quiet --constraint "$(VENV)/constraints.txt" --editable ".[$(EXTRAS_$*)]"
	@touch "$@"

EXTRAS_all := all
EXTRAS_dev := all,dev
EXTRAS_bench := all,bench
