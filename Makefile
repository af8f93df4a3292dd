# Two commands: `make train` and `make test`. Both make the environment if it is missing.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
ARGS ?= model=three_layer
WORKERS ?= auto
LETTERS ?= ../shared/data/writers25.npz
NIST ?= ../shared/data/emnist.zip
SEED ?= $(shell date +%s)
INPUTS ?= 400
# What meets most of the libraries: configs, files, engines, sweeps, pages.
RANGES ?= tests/base tests/compose tests/config tests/data tests/fuzz tests/matrix tests/models tests/optimizers tests/run

.PHONY: train test check crash fuzz lock lowest newest docs lessons pictures env clean

train: env
	$(BIN)/python -m letterocr.train $(ARGS)

test: env
	$(BIN)/python -m pytest --numprocesses $(WORKERS) $(TESTS)

check: env
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

crash: env
	LETTEROCR_CRASH=all $(BIN)/python -m pytest -s tests/crash

docs: env
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

lessons: env
	$(BIN)/python scripts/lessons.py

pictures: env
	$(BIN)/python scripts/pictures.py $(LETTERS) --nist $(NIST) --out docs/pictures.md

env: $(VENV)/.ready

# ENV='--versions requirements.txt' installs the versions of CI, ENV=--lowest the lowest that pyproject.toml admits.
$(VENV)/.ready: pyproject.toml
	$(PYTHON) scripts/make_env.py $(VENV) $(ENV)
	touch $@

# The newest versions that pyproject.toml admits, for CI.
lock:
	$(MAKE) env VENV=.venv-lock
	echo '# The versions that CI installs, for Python 3.11 on Linux; `make lock` writes this file.' > requirements.txt
	.venv-lock/bin/uv pip freeze --python .venv-lock/bin/python --exclude-editable >> requirements.txt

lowest:
	$(MAKE) test VENV=.venv-lowest ENV=--lowest TESTS='$(RANGES)'

newest:
	$(MAKE) test VENV=.venv-newest TESTS='$(RANGES)'

fuzz: env
	@echo "seed $(SEED), $(INPUTS) inputs for each reader"
	LETTEROCR_FUZZ=$(INPUTS) $(BIN)/python -m pytest --hypothesis-seed=$(SEED) tests/fuzz

clean:
	rm -rf $(VENV) site .pytest_cache .ruff_cache .mypy_cache .import_linter_cache
