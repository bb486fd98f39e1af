# `make` alone lists what there is. Nothing is needed but make, bash and a Python of at least 3.11.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
# One after the other even under -j: the cheap checks first, and no two installations at once.
.NOTPARALLEL:
MAKEFLAGS += --no-print-directory

# Which Python makes the environment; empty: the newest from 3.13 down to 3.11 that works here.
PYTHON ?=
# How many processes share the tests.
WORKERS ?= auto
# What more pytest is told, for example: make tests ARGS="tests/domain -k wallet"
ARGS ?=

VENV := .venv
BIN := $(VENV)/bin
PIP := PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore $(BIN)/python -m pip --quiet
RUNTIME := $(VENV)/.installed
DEV := $(VENV)/.installed-dev

.PHONY: help
help: ## list these commands
	@sed -nE 's/^([a-z-]+):.*## (.*)/\1|\2/p' Makefile | while IFS='|' read -r name what; do printf 'make %-11s %s\n' "$$name" "$$what"; done

.PHONY: run
run: install ## a server with demo data on http://127.0.0.1:8000
	@$(BIN)/kabinet migrate
	@$(BIN)/kabinet demo
	@exec $(BIN)/kabinet serve

.PHONY: install
install: $(RUNTIME) ## only the environment: .venv/bin/kabinet

.PHONY: test
test: $(DEV) system lint types contracts tests ## everything: style, types, import contracts, all tests

.PHONY: tests
tests: $(DEV) ## the tests alone; ARGS="…" goes to pytest, WORKERS=0 keeps them in one process
	@$(BIN)/python -m pytest -n $(WORKERS) --maxprocesses 8 $(ARGS)

.PHONY: lint
lint: $(DEV) ## style: ruff's rules and its formatting
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

.PHONY: format
format: $(DEV) ## put the style right where that is possible
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

.PHONY: types
types: $(DEV) ## types: mypy, strict
	@$(BIN)/mypy

.PHONY: contracts
contracts: $(DEV) ## who may import whom
	@$(BIN)/lint-imports

.PHONY: rules
rules: $(DEV) ## which tests prove which rule of the specification
	@$(BIN)/python -m pytest --rules-report -q --no-header

.PHONY: coverage
coverage: $(DEV) ## the tests, with the lines and branches that they never reach
	@$(BIN)/coverage run -m pytest $(ARGS)
	@$(BIN)/coverage report

.PHONY: bench
bench: $(DEV) ## how fast we are beside a handler written by hand and Strawberry; writes benchmarks/results.md
	@$(BIN)/python -m benchmarks $(ARGS)

.PHONY: bench-peers
bench-peers: $(DEV) ## the same beside Mercurius too, where Node is
	@$(BIN)/python -m benchmarks --peers $(ARGS)

.PHONY: bench-short
bench-short: $(DEV) ## a minute of it; fails when we have become far slower than recorded
	@$(BIN)/python -m benchmarks --short

.PHONY: fuzz
fuzz: $(DEV) ## thousands of generated documents on both engines; KABINET_FUZZ=20000 for more
	@KABINET_FUZZ=$${KABINET_FUZZ:-5000} $(BIN)/python -m pytest -q tests/schema/engine/test_sameness.py tests/schema/test_sameness.py

.PHONY: fuzz-lives
fuzz-lives: $(DEV) ## hundreds of wallets' whole lives, in any order of events; KABINET_FUZZ=2000 for more
	@KABINET_FUZZ=$${KABINET_FUZZ:-300} $(BIN)/python -m pytest -q tests/test_whole_life.py

.PHONY: migrate
migrate: install ## bring the database of KABINET_DATABASE_URL up to date
	@$(BIN)/kabinet migrate

.PHONY: schema
schema: install ## write schema.graphql anew
	@$(BIN)/kabinet schema print > $(VENV)/schema.graphql
	@mv $(VENV)/schema.graphql schema.graphql

.PHONY: lock
lock: ## pin again after a change of pyproject.toml; ARGS=--upgrade takes the newest of everything
	@PYTHON="$(PYTHON)" scripts/lock $(ARGS)

.PHONY: system
system: ## Chromium and PostgreSQL for the tests, through apt where that is possible
	@scripts/system-packages

.PHONY: clean
clean: ## remove the environment and everything that the tools left
	@rm -rf $(VENV) build dist *.egg-info .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage .coverage.* htmlcov
	@find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +

$(BIN)/python:
	@PYTHON="$(PYTHON)" scripts/environment $(VENV)

$(RUNTIME): requirements.lock pyproject.toml | $(BIN)/python
	@echo "Installing what Kabinet stands on"
	@$(PIP) install --require-hashes -r requirements.lock
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

$(DEV): requirements-dev.lock $(RUNTIME)
	@echo "Installing the developer's tools"
	@$(PIP) install --require-hashes -r requirements-dev.lock
	@touch $@
