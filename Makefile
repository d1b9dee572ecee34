# Two commands matter: `make demo` and `make test`. Both set up what they need.
SHELL := /bin/bash
.SHELLFLAGS := -eo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
DATA ?= bundled
VENV := .venv/bin
export JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION := 20
export JSII_SILENCE_WARNING_DEPRECATED_NODE_VERSION := 1

.PHONY: help
help: ## Show what there is
	@grep -hE '^[a-z-]+:.*## ' Makefile | sed -E 's/:.*## /\t/' | expand -t 12

.PHONY: demo
demo: environment ## Deploy, retrain, promote and predict on the embedded AWS (DATA=nsmc for the real corpus)
	@$(VENV)/python -m localaws -- $(VENV)/python -m examples.demo --data $(DATA)

.PHONY: test
test: environment lint ## The whole test suite
	$(VENV)/python -m pytest

.PHONY: lint
lint: environment ## ruff and mypy --strict
	$(VENV)/ruff check
	$(VENV)/ruff format --check
	$(VENV)/mypy

.PHONY: synth
synth: environment ## Write the CloudFormation templates to cdk.out, checked by cdk-nag
	node_modules/.bin/cdk synth --quiet

.PHONY: local
local: environment ## Run the embedded AWS until Ctrl-C
	@$(VENV)/python -m localaws

.PHONY: lock
lock: ## Pin everything below requirements.in in requirements.txt
	$(PYTHON) -m venv --clear build/lock
	build/lock/bin/pip install --quiet --requirement requirements.in
	# A build of PyTorch for one machine (2.13.0+cpu) is not to be had on every other.
	{ echo '# Made by `make lock` from requirements.in: do not edit.'; build/lock/bin/pip freeze --all | grep -v '^pip==' | sed -E 's/^(torch==[^+]*).*/\1/' | sort -f; } > build/requirements.txt
	mv build/requirements.txt requirements.txt
	rm -r build/lock

.PHONY: clean
clean: ## Remove the environment and everything made
	rm -rf .venv .local node_modules build cdk.out .pytest_cache .mypy_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -r {} +

# The environment is made once, and again when what it is made from changes.
.PHONY: environment
environment: .venv/made node_modules/made

.venv/made: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed; this is " + sys.version.split()[0] + ". Set PYTHON=python3.11")'
	@echo "Making the Python environment (.venv), once: 100 packages, PyTorch among them, take minutes"
	@# Anew: what an interrupted installation left behind can look complete to pip.
	@$(PYTHON) -m venv --clear .venv
	@$(VENV)/python -m pip install --disable-pip-version-check --progress-bar off --requirement requirements.txt | sed -unE 's/^(Collecting [^ ]+).*/  \1/p; s/^Installing collected.*/  Installing what was collected/p'; exit $${PIPESTATUS[0]}
	@touch $@

node_modules/made: package-lock.json
	@node -e 'if (+process.versions.node.split(".")[0] < 20) { console.error("Node 20 or newer is needed; this is " + process.version); process.exit(1) }'
	@echo "Installing the CDK CLI (node_modules)"
	@npm ci --no-audit --no-fund --loglevel=error
	@touch $@
