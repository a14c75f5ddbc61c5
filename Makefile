# Two words for newcomers: `make demo` and `make test`. `make run` is the real service.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
QINGTING := $(BIN)/qingting

.DEFAULT_GOAL := test
.PHONY: demo test run lint format clean

$(VENV)/ready: pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Qingting needs Python 3.11 or newer")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet --editable . --group dev
	touch $@

demo: $(VENV)/ready
	$(QINGTING) demo $(if $(ONCE),--once)

test: $(VENV)/ready
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest

run: $(VENV)/ready
	$(QINGTING) --config config.toml up

format: $(VENV)/ready
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf $(VENV) var dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
