# Two commands do everything: `make demo` and `make test`. `make help` lists the rest.
PYTHON ?= python3
VENV   ?= .venv
PY     := $(VENV)/bin/python
READY  := $(VENV)/.ready
SERVE  ?= 1

export MLFLOW_DISABLE_TELEMETRY := true
export PYTHONUTF8 := 1
# Certificates of the machine, which may stand behind a proxy of its own.
export UV_SYSTEM_CERTS := true

.DEFAULT_GOAL := help
.PHONY: help setup demo demo-crm test test-long lint format bench bench-quality bench-curve lock clean

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-13s %s\n", $$1, $$2}'

setup: $(READY) ## Make the virtual environment from the hash-locked requirements

# uv installs the same lock in seconds; where it cannot be had, pip does it in minutes.
$(READY): requirements.lock requirements-uv.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed, $$($(PYTHON) --version) was found; name another with PYTHON=..." >&2; exit 2; }
	@test -x $(PY) || $(PYTHON) -m venv $(VENV) || \
	  { echo "Cannot make a virtual environment; on Debian: apt-get install python3-venv" >&2; exit 2; }
	@$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-uv.lock 2>/dev/null || true
	@echo "Installing the locked packages ..."
	@{ test -x $(VENV)/bin/uv && \
	  $(VENV)/bin/uv pip sync --quiet --python $(PY) --require-hashes requirements.lock requirements-uv.lock && \
	  $(VENV)/bin/uv pip install --quiet --python $(PY) --no-deps --no-build-isolation --editable . ; } || \
	{ echo "Going on with pip, which takes a few minutes ..."; \
	  $(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock && \
	  $(PY) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable . ; }
	@touch $@

demo: $(READY) ## Run the main job on an invented company, then serve (SERVE=0: do not serve)
	@$(PY) -m pipelines demo --config pipelines/config/demo.toml $(if $(filter 0,$(SERVE)),--no-serve)

demo-crm: $(READY) ## Show the whole loop beside a CRM, which is a double (SERVE=0: end by itself)
	@$(PY) -m pipelines demo-crm --config pipelines/config/demo_crm.toml $(if $(filter 0,$(SERVE)),--no-serve)

test: lint ## Run everything that proves the project
	@$(PY) -m pytest -q -rs --numprocesses 2 --dist loadscope

test-long: $(READY) ## Run the tests that take minutes
	@$(PY) -m pytest -q -rs -m long

lint: $(READY) ## Check style, types and the layers
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/mypy
	@$(VENV)/bin/lint-imports

format: $(READY) ## Format the code
	@$(VENV)/bin/ruff check --fix .
	@$(VENV)/bin/ruff format .

bench: $(READY) ## Measure, everything compared in one run
	@$(PY) -m pytest -q -s tests/benchmarks -m '' --benchmark-columns=min,median,max,rounds --benchmark-group-by=group

bench-curve: $(READY) ## Learn from 50 to 1,000 conversions, beside two peers
	@PYTHONPATH=. $(PY) -m tests.benchmarks.learning_curve

bench-quality: $(READY) ## Train on public data sets, beside the best of all peers
	@$(PY) tests/benchmarks/quality.py

lock: $(READY) ## Write the requirement locks anew
	@$(VENV)/bin/uv pip compile pyproject.toml --extra dev --universal --generate-hashes --no-emit-index-url --no-header --quiet --upgrade -o requirements.lock
	@echo uv | $(VENV)/bin/uv pip compile - --universal --generate-hashes --no-emit-index-url --no-header --no-annotate --quiet --upgrade -o requirements-uv.lock

clean: ## Remove what the demo and the tests made (the environment stays)
	@git clean -fdXq -e '!$(VENV)'
