# What a person types is what the checks run.
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
WG_HOME ?= wg_home
export OMP_NUM_THREADS := 1
export OPENBLAS_NUM_THREADS := 1
export DBT_SEND_ANONYMOUS_USAGE_STATS := 0
export DAGSTER_DISABLE_TELEMETRY := 1

.PHONY: run test test-all test-real lint format ui bench peers lock chromium clean

run: .venv/ready ## the main job on the embedded market
	$(BIN)/wg run --home $(WG_HOME)

test: .venv/ready chromium ## everything that takes less than four minutes on two cores
	$(BIN)/pytest -n 2 -m "not slow and not real"

test-all: .venv/ready chromium ## the slow suites too
	$(BIN)/pytest -n 2 -m "not real"

test-real: .venv/ready ## needs WG_REAL_DATA, a folder of real vendor files
	$(BIN)/pytest -m real

lint: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/ty check
	$(BIN)/lint-imports
	$(BIN)/sqlfluff lint dbt_project/models dbt_project/tests

format: .venv/ready
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

ui: .venv/ready ## web server and daemon, this machine only
	$(BIN)/wg ui --home $(WG_HOME)

bench: .venv/ready
	$(BIN)/python -m benchmarks

lock: ## needs uv
	uv pip compile -q --generate-hashes --no-emit-index-url --no-strip-extras --python-version 3.11 \
	  --custom-compile-command "make lock" requirements.in -o requirements.lock
	uv pip compile -q --generate-hashes --no-emit-index-url --no-strip-extras --python-version 3.11 \
	  --custom-compile-command "make lock" requirements-peers.in -o requirements-peers.lock

chromium: ## a real browser for the test of the UI
	@command -v chromedriver > /dev/null || (apt-get update -qq && apt-get install -y -qq chromium chromium-driver > /dev/null)

peers: .venv-peers/ready ## other libraries, for the side-by-side benchmarks only

.venv-peers/ready: requirements-peers.lock
	test -d .venv-peers || $(PYTHON) -m venv .venv-peers
	.venv-peers/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-peers.lock
	touch .venv-peers/ready

.venv/ready: requirements.lock pyproject.toml
	test -d .venv || $(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch .venv/ready

clean:
	rm -rf .venv .venv-peers wg_home
