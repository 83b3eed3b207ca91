# Every target that needs the environment builds it first; later targets use it as it is.
STUDY ?= demo
# The number of GPUs of this machine that jobs may use at the same time.
GPUS ?= 1
PYTHON ?= python3
BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)
REPORT = reports/$(STUDY)/index.html
# Results that are not the published ones are no failure of the run that made them.
COMPARE = test ! -f reports/published/$(STUDY)/artefacts.csv || python -m entrec compare results/$(STUDY) || true

.PHONY: help demo run plan rehearse theory publish verify record push pull adopt check test test-workflow test-faults test-slurm test-bits test-learning test-gpu bench lock format clean
.DEFAULT_GOAL := help

# The name of a study becomes part of commands and paths, and a study that does not exist is reported before anything is
# built. The setting of a theory study is named with a slash, such as theory/quick.
rest := $(STUDY)
$(foreach c,A B C D E F G H I J K L M N O P Q R S T U V W X Y Z a b c d e f g h i j k l m n o p q r s t u v w x y z \
    0 1 2 3 4 5 6 7 8 9 _ - /,$(eval rest := $$(subst $(c),,$$(rest))))
ifneq ($(words $(STUDY))$(rest),1)
    $(error STUDY=$(STUDY): not a name; allowed: letters of A to Z, digits, _ and -)
endif
ifneq ($(filter run plan rehearse record push pull,$(MAKECMDGOALS)),)
    ifeq ($(wildcard params/$(STUDY).yaml),)
        $(error STUDY=$(STUDY): no such study; allowed: $(basename $(notdir $(filter-out %/theory.yaml,$(wildcard params/*.yaml)))))
    endif
endif

# `make table_1` and the like: tables, figures and results are targets of Snakemake.
.DEFAULT:
	$(error $@: no such target; `make` lists those of make, and tables, figures and results are targets of Snakemake, such as: snakemake table_1)

help:  ## print this list
	@grep -hE '^[a-z-]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 16

# Exactly the locked versions are installed, and every file is checked against its hash. pip installs uv, which is
# faster, and uv installs the rest.
.venv/installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit((3, 11) > sys.version_info or sys.version_info >= (3, 14))' || \
	    { echo "$(PYTHON): Python 3.11 to 3.13 is needed; name one: make PYTHON=python3.12 …" >&2; exit 1; }
	@test ! -L .venv || { echo ".venv: it is a link, and building would empty the folder that it points to; remove the link first" >&2; exit 1; }
	@echo "building .venv from requirements.lock; this takes one or two minutes and 5.8 GB"
	$(PYTHON) -m venv --clear .venv
	awk '/^[a-z]/ {on = /^uv==/} on' requirements.lock > .venv/uv.lock
	$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r .venv/uv.lock
	$(BIN)/uv pip install -q --compile-bytecode --python $(BIN)/python --require-hashes -r requirements.lock
	$(BIN)/uv pip install -q --python $(BIN)/python --no-deps --no-build-isolation -e .
	touch $@

demo: STUDY = demo
demo: run  ## run the whole pipeline on embedded data, on two CPU cores

run: params/$(STUDY).yaml .venv/installed  ## run another study: make run STUDY=fashion
	snakemake all --resources gpu=$(GPUS) --configfile params/$(STUDY).yaml
	@$(MAKE) --no-print-directory $(STAGES)/dvc.lock STUDY=$(STUDY)
	@$(COMPARE)
	@echo "report: $(CURDIR)/$(REPORT)"

theory: STUDY = theory/quick
theory: .venv/installed  ## compare the paper's mathematics with known truths, in about 20 minutes on two CPU cores
	snakemake theory
	@$(MAKE) --no-print-directory dvc/theory/quick/dvc.lock
	@$(COMPARE)
	@echo "report: $(CURDIR)/$(REPORT)"

plan: params/$(STUDY).yaml .venv/installed  ## estimate what a study will take: make plan STUDY=paper
	@python -m entrec plan --study params/$(STUDY).yaml

# Two processes on the CPU stand for two GPUs. The results of an earlier rehearsal would keep this one from running.
rehearse: STUDY = paper
rehearse: params/$(STUDY).yaml .venv/installed  ## run a study on tiny stand-ins for its data, in minutes on two CPU cores
	rm -rf $(addsuffix /rehearsal,data results reports logs)
	python -m entrec rehearse --study params/$(STUDY).yaml --output data/rehearsal
	ENTREC_DEVICE=cpu snakemake all --resources gpu=2 --configfile data/rehearsal/rehearsal.yaml
	@echo "report: $(CURDIR)/reports/rehearsal/index.html"

# The stages of the default study stand in the root's dvc.yaml, and those of every other study in a folder of its own.
STAGES = $(if $(filter demo,$(STUDY)),.,dvc/$(STUDY))
FROM = $(if $(REMOTE),--remote '$(REMOTE)')
STAGES_CODE := src/entrec/paths.py src/entrec/sources.py $(addprefix src/entrec/pipeline/,dvc.py dvc_views.py jobs.py theory_jobs.py)

$(STAGES)/dvc.yaml: params/$(STUDY).yaml $(STAGES_CODE)
	@python -m entrec dvc --study $< --output $@

dvc/theory/quick/dvc.yaml: params/theory.yaml $(STAGES_CODE)
	@python -m entrec theory dvc --study $< --setting quick --output $@

# DVC records whatever lies there, so that results of other settings are refused first. Snakemake may have no record of
# them.
dvc/theory/quick/dvc.lock: dvc/theory/quick/dvc.yaml reports/theory/quick/index.html
	python -m entrec verify --current results/theory/quick
	dvc --wait-for-lock commit --quiet --force $<

$(STAGES)/dvc.lock: $(STAGES)/dvc.yaml $(REPORT)
	python -m entrec verify --current params/$(STUDY).yaml
	dvc --wait-for-lock commit --quiet --force $<

# The results of these studies are small enough for git: they lie in the DVC remote `record`, a folder of this repository.
IN_RECORD = demo

# The page of provenance compares the results with what is published now.
publish: .venv/installed  ## put a study's numbers and digests into reports/published/, and its results into record/
	python -m entrec publish results/$(STUDY)
	snakemake --quiet all --allowed-rules provenance theory_provenance \
	    $(addprefix --configfile ,$(wildcard params/$(STUDY).yaml)) -- reports/$(STUDY)/provenance.html
	@$(if $(filter $(STUDY),$(IN_RECORD)),$(MAKE) --no-print-directory $(STAGES)/dvc.lock STUDY=$(STUDY) && \
	    dvc --wait-for-lock push --remote record $(STAGES)/dvc.yaml,\
	    echo "record/ does not have the results of this study; send them elsewhere: make push STUDY=$(STUDY) REMOTE=NAME")

verify: .venv/installed  ## check a study's results and compare them with the published ones
	python -m entrec verify --current results/$(STUDY)
	python -m entrec compare results/$(STUDY)

# The jobs of a cluster leave results that DVC has not recorded. The last column of Snakemake's summary says what it would
# do with each file.
record: params/$(STUDY).yaml .venv/installed  ## record a study's results with DVC, wherever Snakemake made them
	@snakemake --summary all --configfile params/$(STUDY).yaml | \
	    awk -F '\t' 'NR > 1 && $$NF != "no update" {stale = 1} END {exit stale || NR < 2}' || \
	    { echo "params/$(STUDY).yaml: not all its results are there and up to date; run Snakemake first" >&2; exit 1; }
	@$(MAKE) --no-print-directory $(STAGES)/dvc.lock STUDY=$(STUDY)

push: params/$(STUDY).yaml .venv/installed  ## send a study's recorded results to a DVC remote: make push STUDY=paper REMOTE=storage
	@test "$(or $(REMOTE),$$(dvc config core.remote))" != record || { echo "record/ is for published studies (make publish); name another remote: dvc remote add NAME PLACE, then make push STUDY=$(STUDY) REMOTE=NAME" >&2; exit 1; }
	python -m entrec verify --current params/$(STUDY).yaml
	dvc --wait-for-lock push --run-cache $(FROM) $(STAGES)/dvc.yaml

# No remote has images that may not be passed on. Snakemake has no record, or a wrong one, of files that it has not made
# itself, and circumstances that lay there before are those of other results.
define ADOPT
	python -m entrec adopt --study params/$(STUDY).yaml
	python -m entrec verify --current params/$(STUDY).yaml
	snakemake --quiet all --touch --forceall $$(test -f $(REPORT) && echo $(REPORT) || echo tables) --configfile params/$(STUDY).yaml
endef

pull: params/$(STUDY).yaml .venv/installed  ## fetch a study's published results and let Snakemake adopt them
	@test -f $(STAGES)/dvc.lock || { echo "$(STAGES)/dvc.lock: missing, so that nothing of this study is published with this commit; compute it: make run STUDY=$(STUDY)" >&2; exit 1; }
	dvc --wait-for-lock pull $(FROM) $(STAGES)/dvc.yaml
	$(ADOPT)
	snakemake --quiet all --allowed-rules provenance --configfile params/$(STUDY).yaml -- reports/$(STUDY)/provenance.html

adopt: params/$(STUDY).yaml .venv/installed  ## let Snakemake take over today's results that came from elsewhere
	$(ADOPT)

check: .venv/installed  ## check style, types, imports and the workflow's rules
	ruff format --check --quiet .
	ruff check --quiet .
	mypy
	lint-imports
	deptry src
	snakefmt --check Snakefile workflow
	snakemake --lint --quiet > /dev/null

test: check  ## run every fast test
	pytest -m "not workflow and not bits and not learning and not slurm and not gpu"

test-workflow: .venv/installed  ## run Snakemake and DVC for real, on a shrunken demo
	pytest -m workflow

test-faults: .venv/installed  ## end, fill, damage and attack every step, in at most 30 minutes on two CPU cores
	ENTREC_FAULTS=full pytest -m faults

test-slurm: .venv/installed  ## run on a Slurm cluster of one node; needs root, slurm-wlm and munge
	pytest -m slurm

test-bits: .venv/installed  ## compare the bits of emulated processors; needs qemu-user, takes minutes for each
	pytest -m bits

test-learning: .venv/installed  ## train every method until it has learnt, in at most 20 minutes on two CPU cores
	pytest -m learning -s

test-gpu: .venv/installed  ## run the tests that need a GPU
	pytest -m gpu

bench: .venv/installed  ## measure every ratio that docs/performance.md states, in about an hour; nothing else should run
	python -m benchmarks

lock: .venv/installed  ## write requirements.lock anew from pyproject.toml
	uv pip compile -q pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes \
	    --no-emit-index-url --no-annotate --no-header -o requirements.lock

format: .venv/installed  ## format the code with ruff and the rules with snakefmt
	ruff format --quiet .
	ruff check --fix --quiet .
	snakefmt Snakefile workflow

clean:  ## delete every result of a study; the environment and DVC's cache stay
	rm -rf data/$(STUDY) results/$(STUDY) reports/$(STUDY) logs/$(STUDY)
