# make demo: the main job.  make test: the whole test suite.  make test-dgl: the bridge to DGL, with DGL installed.
# make check-results: the stored results beside their aims, and beside README and cards. make results-write: fills those.
# make trajectories: data sets to train on, many hours; run again, it resumes. Needs the rMD17 files, see docs/datasets.md.
# Part of them:  make trajectories SETS="malonaldehyde:600 qm9:150"
# make locked: everything for tests and documentation, each file checked against its hash; CPython 3.11, Linux x86_64.
# Another build of torch, for example with CUDA:  make demo TORCH=torch==2.13.0 PIP_ARGS="--extra-index-url ..."
PYTHON ?= python3
VENV ?= .venv
TORCH ?= torch==2.13.0
PIP_ARGS ?=
OUT ?= runs/demo
GRAPHLEARN_TRAJECTORIES ?= runs/trajectories
SETS ?= malonaldehyde:1500 qm9:150 qm9_linear:2000 qm9_pbe0:50 qm9_pbe0_linear:200
BIN := $(VENV)/bin
INSTALL := $(BIN)/pip install --disable-pip-version-check -q $(PIP_ARGS) -c constraints.txt "$(TORCH)"

LOCKED := $(BIN)/pip install --disable-pip-version-check -q $(PIP_ARGS) --require-hashes --no-deps

.PHONY: demo locked trajectories test test-dgl check-results results-write lint format bench docs clean

demo: $(VENV)/.installed
	$(BIN)/graphlearn demo --out $(OUT)

trajectories: $(VENV)/.installed
	$(BIN)/pip install --disable-pip-version-check -q --no-deps qm9pack==1.0.3
	for part in $(SETS); do \
	  name=tddft_$${part%%:*}; folder=$(GRAPHLEARN_TRAJECTORIES)/$$name; \
	  $(BIN)/tdddft generate $$name --out $$folder --limit $${part##*:} || [ $$? -eq 1 ] || exit 1; \
	  $(BIN)/graphlearn statistics $$folder && $(BIN)/tdddft show $$folder || exit 1; done

test: $(VENV)/.installed-dev
	OMP_NUM_THREADS=1 OMP_WAIT_POLICY=passive $(BIN)/pytest -n 2 --dist loadscope --durations=10

test-dgl: $(VENV)/.installed-dgl
	OMP_NUM_THREADS=1 OMP_WAIT_POLICY=passive $(BIN)/pytest -m dgl

check-results: $(VENV)/.installed
	$(BIN)/python benchmarks/check_results.py

results-write: $(VENV)/.installed
	$(BIN)/python benchmarks/check_results.py --write

bench: $(VENV)/.installed-dev
	$(BIN)/python benchmarks/readouts.py
	for name in fock_build response_grids pulse_trajectory real_time circular_dichroism; do \
	  OMP_NUM_THREADS=1 $(BIN)/python benchmarks/$$name.py || exit 1; done
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/sizes.py --out runs/sizes
	OMP_NUM_THREADS=2 $(BIN)/python benchmarks/equivariant.py
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/proteins.py
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/rollout.py orbevo/qm9 smiles:CCO

docs: $(VENV)/.installed-docs
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs build/docs
	@echo "wrote build/docs/index.html"

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pydoclint --quiet graphlearn tdddft
	$(BIN)/pylint graphlearn tdddft

format: $(VENV)/.installed-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	@echo "installing graphlearn and what it needs (a few minutes) ..."
	$(INSTALL) -e ".[all]"
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(INSTALL) -e ".[dev]"
	@touch $@

$(VENV)/.installed-docs: $(VENV)/.installed-dev
	$(INSTALL) -e ".[docs,dev]"
	@touch $@

$(VENV)/.installed-dgl: $(VENV)/.installed-dev
	$(INSTALL) -e ".[dgl,dev]"
	@touch $@

locked: $(VENV)/.locked

$(VENV)/.locked: pyproject.toml requirements.lock
	$(PYTHON) -m venv $(VENV)
	@echo "installing from requirements.lock (a few minutes) ..."
	sed -n '/^torch==/,/[^\\]$$/p' requirements.lock > $(VENV)/torch.lock
	$(LOCKED) --no-index -r $(VENV)/torch.lock || $(LOCKED) -r $(VENV)/torch.lock  # a wheel at hand goes before PyPI's
	$(LOCKED) -r requirements.lock
	$(BIN)/pip install --disable-pip-version-check -q --no-deps --no-build-isolation -e .
	@touch $(VENV)/.installed $(VENV)/.installed-dev $(VENV)/.installed-docs $(VENV)/.installed-dgl $@

clean:
	rm -rf $(VENV) build dist
