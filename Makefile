# Two commands: `make train` and `make test`. Both make the environment if it is missing.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
ARGS ?= model=three_layer
WORKERS ?= auto
LETTERS ?= ../shared/data/writers25.npz
NIST ?= ../shared/data/emnist.zip

.PHONY: train test check crash docs lessons pictures env clean

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

# Python compiles each module when it is first imported; compiling all of them here takes a minute more.
$(VENV)/.ready: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --no-compile --editable '.[dev,docs]'
	touch $@

clean:
	rm -rf $(VENV) site .pytest_cache .ruff_cache .mypy_cache .import_linter_cache
