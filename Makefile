# The two commands of a newcomer are `make` and `make test`; `make help` lists the others.

PYTHON ?= python3
CONFIG ?= config/paper.yaml
CORES ?= 2
PORT ?= 5000
# Side by side, as their tests wait more than they compute.
CLUSTERS ?= 5
READY = .venv/.ready
BIN = .venv/bin
# Byte code is written once, and not by each of a thousand starts; pip does it unasked.
unexport PYTHONDONTWRITEBYTECODE
INSTALL = $(if $(shell command -v uv),uv pip install --quiet --compile-bytecode --python $(BIN)/python,\
	$(BIN)/python -m pip install --quiet --disable-pip-version-check)
# Values reach recipes through the environment, which a shell does not read as code; nor does make.
VALUES = PYTHON CONFIG CORES PORT CLUSTERS QUICK
$(foreach name,$(VALUES),$(eval override $(name) := $$(value $(name))))
export $(VALUES)
HASH := \#
# As mechcore/io/portable_names.py refuses it, but before the first script of .venv runs.
$(foreach sign," $$ ' ` : ? % $(HASH) { } < > \,$(if $(findstring $(sign),$(CURDIR)),\
	$(error the name of this folder or of one above holds $(sign): rename it)))
# Settings in place of those of the configuration, as SET="sizes=[2,3]": no shell reads them.
export MECHCORE_SET := $(value SET)
# Some tools of the environment call others by name.
export PATH := $(CURDIR)/.venv/bin:$(PATH)

# Once, as two jobs that start at once would both do it: states that are lines, and all others.
COMPILE = $(BIN)/python -c 'import mechcore; kernel = mechcore.kernel("dct", 2, beta=0.5); \
	[mechcore.propagate(kernel, pattern=pattern, steps=1) for pattern in ("delta", "disc")]'

.DEFAULT_GOAL := run
.PHONY: run cluster test test-cluster lint format ui report verify pack partial banks torch bench docs lock schema clean help

run: $(READY) ## run an experiment (CONFIG=config/paper.yaml, CORES=2, SET="sizes=[2,3]")
	@echo "Running $$CONFIG on $$CORES cores: planning takes some seconds"
	@name=$$($(BIN)/python -m mechcore grid "$$CONFIG" --name) && \
		$(BIN)/snakemake --cores "$$CORES" --configfile "$$CONFIG" && \
		echo "Report: $$PWD/reports/$$name/index.html"
	@echo "MLflow: make ui  (prints its address)"

# The cluster's nodes would compete with the other tests for this machine. The slowest files come
# first (tests/conftest.py).
test: $(READY) ## everything that proves it works, but on a cluster
	@$(BIN)/python -m pytest -n "$$CORES" --dist loadfile --no-loadscope-reorder \
		--ignore tests/cluster

cluster: $(READY) ## run an experiment on SLURM, from the login node (CONFIG=config/full.yaml)
	@$(INSTALL) -e '.[slurm]'
	@$(BIN)/python -m mechcore grid "$$CONFIG" --profile slurm | tail -4
	@$(BIN)/snakemake --profile profiles/slurm --configfile "$$CONFIG"

test-cluster: $(READY) ## the workflow on a real SLURM, as root (slurm-wlm munge slurmdbd mariadb-server)
	@$(BIN)/python -m pytest tests/cluster -n "$$CLUSTERS" --dist worksteal

lint: $(READY) ## formats, types, the workflow's own linter
	@$(BIN)/ruff format --check . && $(BIN)/ruff check .
	@$(BIN)/snakefmt --check Snakefile workflow
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/snakemake --lint

format: $(READY) ## put files into their standard form
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix . && $(BIN)/snakefmt Snakefile workflow

ui: $(READY) ## open MLflow on the results (PORT=5000)
	@$(BIN)/python -m mechcore ui --port "$$PORT"

report: $(READY) ## rebuild the report alone
	@$(BIN)/snakemake --cores "$$CORES" --configfile "$$CONFIG" --forcerun report --until report

verify: $(READY) ## compute a part of a finished experiment again, and check all of its files
	@name=$$($(BIN)/python -m mechcore grid "$$CONFIG" --name) && \
		$(BIN)/python -m mechcore verify --experiment "$$CONFIG" --results "results/$$name"

pack: $(READY) ## a finished experiment as one file, dist/NAME.zip, that another machine can verify
	@name=$$($(BIN)/python -m mechcore grid "$$CONFIG" --name) && \
		$(BIN)/python -m mechcore pack --experiment "$$CONFIG" --results "results/$$name" \
			--report "reports/$$name/index.html" --output "dist/$$name.zip"

partial: $(READY) ## a report of what is there of an unfinished experiment
	@name=$$($(BIN)/python -m mechcore grid "$$CONFIG" --name) && \
		$(BIN)/python -m mechcore report --partial --experiment "$$CONFIG" --results "results/$$name" \
			--logs "logs/$$name" --output "reports/$$name/index.html"

# The release that the committed banks were trained with: their scores are equal to the digit.
torch: $(READY) ## what tests of torch's files and of the banks need; without it they are skipped
	@$(INSTALL) 'torch==2.13.0'

banks: $(READY) ## train the networks of resources/banks again, 2 minutes
	@$(INSTALL) -e '.[train]'
	@$(BIN)/python resources/banks/train.py

bench: $(READY) ## time what users wait for beside yardsticks and earlier runs, 10 minutes (QUICK=--quick: 3)
	@$(BIN)/python -c 'import jax, torch' 2>/dev/null || $(INSTALL) -e '.[bench]' || \
		echo 'jax or torch is missing: their rows will be, too'
	@$(BIN)/python -m benchmarks $${QUICK:+"$$QUICK"}

docs: $(READY) ## the documentation as a site, docs/_build/html/index.html; runs its notebooks
	@$(BIN)/sphinx-build --quiet --fail-on-warning --keep-going --conf-dir docs . docs/_build/html
	@echo "$$PWD/docs/_build/html/index.html"

schema: $(READY) ## write config/schema.json from the typed model
	@$(BIN)/python -m mechcore schema --output config/schema.json

lock: $(READY) ## write requirements.lock and the conda environment anew from pyproject.toml (needs uv)
	@uv pip compile pyproject.toml --extra all --group dev --group docs --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-header --quiet --upgrade --output-file requirements.lock
	@$(BIN)/python workflow/envs/generate.py

clean: ## remove what can be made again, but no results
	@rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis docs/_build

help: ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

# uv where it is there, else venv and pip; both install exactly what the lock file names.
$(READY): requirements.lock pyproject.toml
	@"$$PYTHON" -c 'import sys; v = sys.version_info; \
		sys.exit(v < (3, 11) and "mechcore needs Python 3.11 or later, this is %d.%d; try make PYTHON=python3.12" % v[:2])'
	@echo "Installing into .venv what requirements.lock names: a minute or more"
	@if command -v uv >/dev/null; then uv venv --quiet --allow-existing --python "$$PYTHON" .venv; \
		else "$$PYTHON" -m venv .venv; fi
	@$(INSTALL) --require-hashes -r requirements.lock
	@$(INSTALL) --no-deps --no-build-isolation -e .
	@echo "Compiling, once"
	@$(COMPILE)
	@touch $(READY)
