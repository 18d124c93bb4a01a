# A newcomer's words, and CI's.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin

.DEFAULT_GOAL := help
# MUTANTS=engine/routing/plan.py names the modules for `make mutants`; none: all targets of tools/mutants.py
MUTANTS ?=
# NEW=ru makes a new catalog with `make texts`
NEW ?=

.PHONY: help run setup test lint format texts mutants api-check lock bench bench-gateway bench-routing failover-card soak audit clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

run: $(VENV)/runtime ## start Farthing; without TELEGRAM_BOT_TOKEN, the sandbox
	@$(BIN)/python -m main run

setup: $(VENV)/runtime ## go live: asks for the bot token and provider keys, checks them, writes .env
	@$(BIN)/python -m main setup

test: $(VENV)/dev ## every test
	$(BIN)/python -m pytest -n 5 --dist worksteal

lint: $(VENV)/dev ## ruff, mypy --strict, import-linter, docstring language: all run, then exit 1 if one failed
	@$(BIN)/python -m tools.lint

mutants: $(VENV)/mutants ## mutation tests of routing, gateway, prices and ledger; see docs/testing.md
	@$(BIN)/python -m tools.mutants $(MUTANTS)

api-check: $(VENV)/api-check ## requests made from /openapi.json, with a tenant's key and the admin key; see docs/testing.md
	@$(BIN)/python -m tools.api_check

format: $(VENV)/dev ## let ruff lay out the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

texts: $(VENV)/dev ## bring the translations in line with the English texts; see CONTRIBUTING.md
	@$(BIN)/python -m tools.texts $(NEW)

audit: $(VENV)/runtime ## check the ledger
	@$(BIN)/python -m main audit

bench: $(VENV)/dev ## what an answer costs in CPU, when its first text comes, and how fast the ledger is
	$(BIN)/python -m benchmarks.bot_answer
	$(BIN)/python -m benchmarks.first_text
	$(BIN)/python -m benchmarks.ledger

soak: $(VENV)/dev ## an hour or two of proof: a million steps of the ledger, 200 kills of the real process
	FARTHING_SOAK_STEPS=1000000 $(BIN)/python -m pytest tests/storage/ledger/test_machine.py -o timeout=0
	$(BIN)/python -m benchmarks.kills 200

bench-gateway: $(VENV)/dev ## CPU of the HTTP gateway beside a bare pass-through
	$(BIN)/python -m benchmarks.gateway

bench-routing: $(VENV)/dev ## replay traffic beside an oracle: prints the tables and draws the chart of docs/benchmarks.md
	$(BIN)/python -m benchmarks.routing --chart docs/images/routing.png

failover-card: $(VENV)/dev ## sixteen faults of a provider, and what a caller gets in each
	$(BIN)/python -m benchmarks.failover_card --write docs/failover-card.md

lock: $(VENV)/uv ## pin and hash every dependency anew
	$(LOCK) requirements/uv.in -o requirements/uv.txt
	$(LOCK) requirements/runtime.in -o requirements/runtime.txt
	$(LOCK) -c requirements/runtime.txt requirements/dev.in -o requirements/dev.txt
	$(LOCK) -c requirements/dev.txt requirements/mutants.in -o requirements/mutants.txt
	$(LOCK) -c requirements/dev.txt requirements/api-check.in -o requirements/api-check.txt

LOCK := $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-header \
        --no-emit-index-url --only-binary :all:

clean: ## remove what make made
	rm -rf $(VENV) .mutants .mypy_cache .ruff_cache .pytest_cache .hypothesis

# uv installs in a quarter of pip's time; pip brings it in by its hash.
$(VENV)/uv: requirements/uv.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Farthing needs Python 3.11 or newer; this is " + sys.version.split()[0])'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r requirements/uv.txt
	@touch $@

$(VENV)/runtime: requirements/runtime.txt $(VENV)/uv
	@echo "Installing what Farthing needs ..."
	@VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install --quiet --require-hashes --only-binary :all: --compile-bytecode -r requirements/runtime.txt
	@touch $@

$(VENV)/dev: requirements/dev.txt $(VENV)/runtime
	@VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install --quiet --require-hashes --only-binary :all: --compile-bytecode -r requirements/dev.txt
	@touch $@

$(VENV)/mutants: requirements/mutants.txt $(VENV)/dev
	@VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install --quiet --require-hashes --only-binary :all: -r requirements/mutants.txt
	@touch $@

$(VENV)/api-check: requirements/api-check.txt $(VENV)/dev
	@VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install --quiet --require-hashes --only-binary :all: -r requirements/api-check.txt
	@touch $@
