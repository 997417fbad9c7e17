.DEFAULT_GOAL := demo
PYTHON ?= python3
BIN := .venv/bin
ARGS ?=

env: .venv/ready
.venv/ready: requirements-dev.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@
demo: env
	$(BIN)/friendstream demo $(ARGS)
test: env
	$(BIN)/pytest -n 3 --dist loadfile -m "not long and not chaos and not soak" $(ARGS)
test-long: env
	$(BIN)/pytest -n 2 --dist loadfile -m long $(ARGS)
simulate: env
	$(BIN)/python -m tests.simulation $(ARGS)
small-world sabotage: env
	$(BIN)/python -m tests.$(subst -,_,$@) $(ARGS)
chaos soak: env
	$(BIN)/pytest -m $@ tests/chaos $(ARGS)
check: env
	$(BIN)/ruff format --check . && $(BIN)/ruff check . && $(BIN)/mypy && $(BIN)/lint-imports
bench: env
	$(BIN)/python -m bench $(ARGS)
lock:
	uv pip compile -q --universal --generate-hashes --no-annotate --no-header --extra dev --extra bench pyproject.toml -o requirements-dev.lock
	grep -oE '^[A-Za-z0-9._-]+==[^ ]+( ;[^\\]*)?' requirements-dev.lock | uv pip compile -q --universal --generate-hashes --no-annotate --no-header -c - pyproject.toml -o requirements.lock
.PHONY: env demo test test-long simulate small-world sabotage chaos soak check bench lock
