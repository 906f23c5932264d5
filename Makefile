# `make demo` and `make test` set everything up themselves, in .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INPUTS := pyproject.toml Makefile

.DEFAULT_GOAL := help
.PHONY: help demo test check format bench clean

help:  ## what one can do here
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 12

demo: $(VENV)/.installed  ## play some hundreds of conversations against the built-in stand-in provider
	@$(BIN)/simkit generate --demo

test: $(VENV)/.installed  ## format, lint, types and tests
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy -p simkit
	@$(BIN)/pytest -q -n 2

format: $(VENV)/.installed  ## put the code in shape
	@$(BIN)/ruff check --fix-only .
	@$(BIN)/ruff format .

bench: $(VENV)/.installed  ## measure speed, memory and use of quotas, as ratios (half an hour)
	@$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[embed,plots,test,bench]'
	@$(BIN)/python -m tests.bench

clean:  ## remove what the other targets made
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(VENV)/.installed: $(INPUTS)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "simkit needs Python 3.11 or newer; $(PYTHON) is older. Try: make PYTHON=python3.11 $(MAKECMDGOALS)" >&2; exit 2; }
	@test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV) \
	  || { rm -rf $(VENV); echo "Python's venv module is incomplete here. On Debian: apt-get install python3-venv" >&2; exit 2; }
	@echo "Installing simkit into $(VENV) (once) ..."
	@$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[embed,plots,test]'
	@touch $@
