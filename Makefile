# `make demo` and `make test` build the environment first; every other target uses it.
STUDY ?= demo
# jobs that ask for a GPU and run side by side on this machine
GPUS ?= 1
PYTHON ?= python3
BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)
REPORT = reports/$(STUDY)/index.html

.PHONY: help demo run plan rehearse theory publish record push pull check test test-workflow test-slurm test-learning bench lock format clean
.DEFAULT_GOAL := help

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 12

# Exactly the locked versions, every file checked against its hash; pip fetches uv, which is faster, and uv the rest.
.venv/installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit((3, 11) > sys.version_info or sys.version_info >= (3, 14))' || \
	    { echo "$(PYTHON): Python 3.11 to 3.13 is needed; make PYTHON=python3.12 …" >&2; exit 1; }
	@test ! -L .venv || { echo ".venv: a link; building would empty what it points to. Remove the link first" >&2; exit 1; }
	@echo "building .venv from requirements.lock: a minute or two, 5.8 GB"
	$(PYTHON) -m venv --clear .venv
	awk '/^[a-z]/ {on = /^uv==/} on' requirements.lock > .venv/uv.lock
	$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r .venv/uv.lock
	$(BIN)/uv pip install -q --compile-bytecode --python $(BIN)/python --require-hashes -r requirements.lock
	$(BIN)/uv pip install -q --python $(BIN)/python --no-deps --no-build-isolation -e .
	touch $@

demo: STUDY = demo
demo: run  ## the whole pipeline on embedded data, two CPU cores

run: .venv/installed  ## another study: make run STUDY=fashion
	@test -f params/$(STUDY).yaml || { echo "params/$(STUDY).yaml: no such study; there are:" params/*.yaml >&2; exit 1; }
	snakemake all --resources gpu=$(GPUS) --configfile params/$(STUDY).yaml
	@$(MAKE) --no-print-directory $(STAGES)/dvc.lock STUDY=$(STUDY)
	@echo "report: $(CURDIR)/$(REPORT)"

theory: .venv/installed  ## the paper's mathematics against known truths, two CPU cores, minutes
	snakemake theory
	@$(MAKE) --no-print-directory dvc/theory/quick/dvc.lock
	@echo "report: $(CURDIR)/reports/theory/quick/index.html"

plan: .venv/installed  ## what a study will cost, before anything runs: make plan STUDY=paper
	@python -m entrec plan --study params/$(STUDY).yaml

# Two processes on the CPU stand for two GPUs. What an earlier rehearsal left would keep this one from running.
rehearse: STUDY = paper
rehearse: .venv/installed  ## a study's rules and networks on tiny stand-ins for its data, two CPU cores, minutes
	rm -rf $(addsuffix /rehearsal,data results reports logs)
	python -m entrec rehearse --study params/$(STUDY).yaml --output data/rehearsal
	ENTREC_DEVICE=cpu snakemake all --resources gpu=2 --configfile data/rehearsal/rehearsal.yaml
	@echo "report: $(CURDIR)/reports/rehearsal/index.html"

# DVC keeps the default study's stages at the root and another study's in a folder of its own.
STAGES = $(if $(filter demo,$(STUDY)),.,dvc/$(STUDY))

$(STAGES)/dvc.yaml: params/$(STUDY).yaml src/entrec/pipeline/dvc.py
	@python -m entrec dvc --study $< --output $@

dvc/theory/quick/dvc.yaml: params/theory.yaml src/entrec/pipeline/dvc.py
	@python -m entrec theory dvc --study $< --setting quick --output $@

dvc/theory/quick/dvc.lock: dvc/theory/quick/dvc.yaml reports/theory/quick/index.html
	dvc commit --quiet --force $<

# Only `run` makes this, right after Snakemake found everything up to date: a commit at another time would
# file old results under new settings.
$(STAGES)/dvc.lock: $(STAGES)/dvc.yaml $(REPORT)
	dvc commit --quiet --force $<

# Tables, the curves behind C1 and provenance, small enough for git; the artefacts themselves go to the DVC remote.
publish: ## copy the numbers of a study to reports/published/
	mkdir -p reports/published/$(STUDY)
	cp $(wildcard $(addprefix reports/$(STUDY)/,tables/*.csv figures/information_over_training.csv provenance.csv)) \
	    reports/published/$(STUDY)/

# A cluster's jobs leave results and no record. What is not up to date is not recorded: old results would be filed
# under new settings, and DVC's run cache would hand them out later.
record: .venv/installed  ## file a study's results with DVC, wherever Snakemake made them
	@snakemake --dry-run all --configfile params/$(STUDY).yaml | grep -q "Nothing to be done" || \
	    { echo "params/$(STUDY).yaml: not all its results are there and up to date; run Snakemake first" >&2; exit 1; }
	@$(MAKE) --no-print-directory $(STAGES)/dvc.lock STUDY=$(STUDY)

push: .venv/installed  ## send a study's recorded results to the DVC remote
	dvc push --run-cache $(STAGES)/dvc.yaml

# Snakemake has no record of files that came from elsewhere; it adopts them once DVC vouches for them.
pull: .venv/installed  ## fetch a study's published results and let Snakemake adopt them
	@test -f $(STAGES)/dvc.lock || { echo "$(STAGES)/dvc.lock: missing, so nothing of it is published with this commit; make run STUDY=$(STUDY) computes it" >&2; exit 1; }
	@test -n "$$(dvc remote list)" || { echo ".dvc/config: no remote; dvc remote add --default NAME PLACE" >&2; exit 1; }
	dvc pull $(STAGES)/dvc.yaml
	dvc status --quiet $(STAGES)/dvc.yaml || { echo "dvc status: files differ from $(STAGES)/dvc.lock; not adopted" >&2; exit 1; }
	snakemake --quiet all --touch --forceall tables --configfile params/$(STUDY).yaml

check: .venv/installed  ## style, types, workflow lint
	ruff format --check --quiet .
	ruff check --quiet .
	mypy
	snakefmt --check Snakefile workflow
	snakemake --lint --quiet > /dev/null

test: check  ## every fast test
	pytest -m "not workflow and not learning and not slurm"

test-workflow: .venv/installed  ## Snakemake and DVC for real, on a shrunken demo
	pytest -m workflow

test-slurm: .venv/installed  ## a cluster of one node: queue, preemption, walltime; needs root, slurm-wlm and munge
	pytest -m slurm

test-learning: .venv/installed  ## every method trained long enough to learn: at most 20 minutes on two cores
	pytest -m learning -s

bench: .venv/installed  ## every figure of the README that is a ratio or a rate
	python benchmarks/training_step.py
	python benchmarks/views.py
	python benchmarks/reading.py
	python benchmarks/diagnostics.py
	python benchmarks/kernel_entropy.py
	python benchmarks/theory_steps.py

lock: .venv/installed  ## refresh requirements.lock from pyproject.toml
	uv pip compile -q pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes \
	    --no-emit-index-url --no-annotate --no-header -o requirements.lock

format: .venv/installed  ## ruff and snakefmt
	ruff format --quiet .
	ruff check --fix --quiet .
	snakefmt Snakefile workflow

clean:  ## forget every result of one study; the environment and DVC's cache stay
	rm -rf data/$(STUDY) results/$(STUDY) reports/$(STUDY) logs/$(STUDY)
