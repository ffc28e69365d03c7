# make demo    a real run on this machine: from a language model to its PROV
# make test    every gate: format, lint, types, layers, docs, tests
# make check   the same, or some gates:  make check GATES="lint types"
# make bench   the benchmarks, as a table
# make clean   remove .venv and what the tools left; never artifacts/ or graphs/
#
# Python 3.11 or later is all that must be there. PYTHON=/path/to/python3 chooses one.

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
TORCH ?= torch==2.13.0
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet install

# The oldest Python that we support comes first: every wheel exists for it. It must be able to make a virtual environment.
CANDIDATES := $(or $(PYTHON),python3.11 python3.12 python3.13 python3.14 python3)
SUITS := import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))

.DEFAULT_GOAL := help
.PHONY: help test demo check bench clean

help:
	@sed -n '1,/^$$/s/^# \{0,1\}//p' Makefile

test: $(STAMP)
	@$(BIN)/python scripts/check

demo: $(STAMP)
	@$(BIN)/lineage demo

check: $(STAMP)
	@$(BIN)/python scripts/check $(GATES)

bench: $(STAMP)
	@$(BIN)/python scripts/bench

clean:
	rm -rf $(VENV) build dist htmlcov .coverage .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find lineage scripts tests -name __pycache__ -type d -prune -exec rm -rf {} +

# torch goes first and alone: on many machines that finds a small build for the CPU, where asking for all at once brings CUDA.
$(STAMP): pyproject.toml
	@$(BIN)/python -c '' 2>/dev/null || { \
	  for python in $(CANDIDATES); do \
	    if "$$python" -c '$(SUITS)' 2>/dev/null; then found="$$python"; break; fi; \
	  done; \
	  if [ -z "$${found:-}" ]; then \
	    echo 'No Python 3.11 or later that can make a virtual environment was found (looked for: $(CANDIDATES)).' >&2; \
	    echo 'Install one (on Debian and Ubuntu: apt-get install python3 python3-venv), or name it: make PYTHON=/path/to/python3 ...' >&2; \
	    exit 1; \
	  fi; \
	  echo "[1/3] $(VENV) with $$("$$found" --version)"; \
	  rm -rf $(VENV) && "$$found" -m venv $(VENV); \
	}
	@echo "[2/3] $(TORCH): the largest part, some minutes on a slow line"
	@$(PIP) '$(TORCH)'
	@echo "[3/3] lineage with its extras models and dev"
	@$(PIP) --editable '.[models,dev]'
	@touch $@
