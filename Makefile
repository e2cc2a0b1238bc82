# make demo    sets everything up and runs the service with simulated cameras (ARGS="--cameras 2 ...")
# make test    sets everything up, Debian packages included, and runs every check
# Everything is made in .venv, web/node_modules and build; `make clean` removes them.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMPS := build/stamps
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: demo test lint unit system browser nightly audit bench client docs lock wheel clean help

help:
	@sed -n 's/^# \(make .*\)/\1/p' Makefile

demo: $(STAMPS)/run $(STAMPS)/client
	@exec $(BIN)/camctl demo $(ARGS)

# Everything after the Python packages waits for other servers: side by side.
test: $(STAMPS)/dev
	@$(MAKE) --no-print-directory -j3 $(STAMPS)/client $(STAMPS)/debian $(STAMPS)/peers
	@tools/run_tests

lint: $(STAMPS)/dev $(STAMPS)/client
	@tools/run_tests lint

unit: $(STAMPS)/dev
	@tools/run_tests unit

system: $(STAMPS)/dev $(STAMPS)/client $(STAMPS)/debian $(STAMPS)/peers
	@tools/run_tests system

browser: $(STAMPS)/dev $(STAMPS)/client $(STAMPS)/debian
	@tools/run_tests browser

# Large example counts, long soaks, and the slow system and browser tests marked nightly: not part of the gate.
nightly: $(STAMPS)/dev $(STAMPS)/client $(STAMPS)/debian $(STAMPS)/peers
	@tools/run_tests nightly

# Known vulnerabilities of what is locked: asks PyPI and npm.
audit: $(STAMPS)/dev $(STAMPS)/node
	@tools/audit_dependencies

# Figures, each beside its peer or limit; they judge nothing.
bench: $(STAMPS)/dev $(STAMPS)/client $(STAMPS)/debian $(STAMPS)/debian-bench
	@$(BIN)/python -m bench $(ARGS)

client: $(STAMPS)/client

# Regenerates docs/reference from the code; `make test` fails when it is out of date.
docs: $(STAMPS)/dev
	@$(BIN)/python tools/reference.py

wheel: $(STAMPS)/dev $(STAMPS)/client
	@rm -rf dist && $(BIN)/python -m hatchling build -t wheel

# New versions within pyproject.toml's bounds. The files carry hashes and no index addresses.
lock: $(STAMPS)/dev
	@tools/lock

$(VENV)/bin/python:
	@tools/make_venv "$(PYTHON)" "$(VENV)"

$(STAMPS)/run: requirements.lock requirements-web.lock | $(VENV)/bin/python
	@echo "installing what the service needs ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock -r requirements-web.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/dev: requirements-dev.lock | $(VENV)/bin/python
	@echo "installing what the tests need ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@mkdir -p $(STAMPS) && touch $@ $(STAMPS)/run

$(STAMPS)/node: web/package-lock.json web/package.json | $(STAMPS)/run
	@echo "installing what the client is built with ..."
	@cd web && npm ci --loglevel=error --no-audit --no-fund >/dev/null
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/client: $(STAMPS)/node $(shell find web/src web/public web/index.html web/vite.config.ts -type f 2>/dev/null)
	@echo "building the client ..."
	@cd web && npm run --silent build
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/debian: tools/debian-packages.txt
	@tools/debian_packages
	@mkdir -p $(STAMPS) && touch $@

# What tests run against us from npm. Here, because a slow registry is no test's fault.
$(STAMPS)/peers: tests/peers/package-lock.json tests/peers/package.json | $(STAMPS)/dev
	@cd tests/peers && npm ci --ignore-scripts --loglevel=error --no-audit --no-fund >/dev/null
	@mkdir -p $(STAMPS) && touch $@

# The benchmarks' peers, which no test needs.
$(STAMPS)/debian-bench: tools/debian-packages-bench.txt
	@tools/debian_packages bench
	@mkdir -p $(STAMPS) && touch $@

clean:
	rm -rf $(VENV) build dist web/node_modules tests/peers/node_modules camctl/api/static
