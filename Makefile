# Every target does its own set-up; a second run finds it done.
.DEFAULT_GOAL := help
PY := .venv/bin/python
RUN_STAMP := .venv/.run-stamp
DEV_STAMP := .venv/.dev-stamp
NODE_STAMP := tests/oracles/node_modules/.stamp

help: ## what can be made
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/'

$(RUN_STAMP): requirements/run.txt pyproject.toml
	test -x $(PY) || python3 -m venv .venv
	$(PY) -m pip install -q --disable-pip-version-check --require-hashes -r requirements/run.txt
	$(PY) -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

$(DEV_STAMP): requirements/dev.txt pyproject.toml
	test -x $(PY) || python3 -m venv .venv
	$(PY) -m pip install -q --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(PY) -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@ $(RUN_STAMP)

$(NODE_STAMP): tests/oracles/package.json
	cd tests/oracles && npm install --no-audit --no-fund --silent
	touch $@

run: $(RUN_STAMP) ## the demo: book, read the mails, see the advisers' side
	.venv/bin/presence demo

setup: $(DEV_STAMP)
	scripts/system-packages
	$(MAKE) --no-print-directory $(NODE_STAMP)

test: setup ## every test but the long ones
	.venv/bin/pytest -n 2 --dist worksteal -m "not long"

check: setup ## ruff, mypy, import-linter, djlint, tsc
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy
	.venv/bin/lint-imports
	.venv/bin/djlint --quiet --lint presence/templates
	tests/oracles/node_modules/.bin/tsc --project tsconfig.json

bench: setup ## measure, and print the tables
	$(PY) -m bench

faults: setup ## the long fault runs
	.venv/bin/pytest -m long

lock: ## compile requirements/*.txt
	uv pip compile -q --generate-hashes --no-emit-index-url --no-annotate --no-header --python-version 3.11 \
	  --extra scale pyproject.toml requirements/build.in -o requirements/run.txt
	uv pip compile -q --generate-hashes --no-emit-index-url --no-annotate --no-header --python-version 3.11 \
	  --extra scale pyproject.toml requirements/build.in requirements/dev.in -o requirements/dev.txt

.PHONY: help run setup test check bench faults lock
