# make demo   sets everything up, indexes examples/, asks three questions
# make test   sets everything up, runs every check that CI runs

VENV ?= .venv
BIN := $(VENV)/bin
NEWSQA := $(BIN)/newsqa

# Where else to look for wheels of torch. On Linux without an NVIDIA GPU the small build is at
# https://download.pytorch.org/whl/cpu; constraints.txt says more.
TORCH_INDEX ?=

# The first Python that is new enough; name another with PYTHON=...
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)

INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt \
	$(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX))

.PHONY: help demo test setup setup-dev chromium check lint types layers tests format docs reader constraints clean

help:
	@echo "make demo    set up, index examples/, ask three questions"
	@echo "make test    set up, run every check that CI runs"
	@echo "make check   run the checks alone: lint types layers tests"
	@echo "make format  format the code"
	@echo "make docs    write docs/cli.md anew from the commands' help"
	@echo "make reader  train the shipped reader anew; takes hours"
	@echo "make bench   measure speed, memory and growth; make bench-peers: side by side with others"
	@echo "make clean   remove the environment and caches; the index stays"

demo: setup
	$(NEWSQA) index examples/archive
	$(NEWSQA) ask "How much will a single bus ticket cost in Kessholm from July?" -k 1
	$(NEWSQA) ask "How many people were on board the ferry Lady Corrin?" -k 1
	$(NEWSQA) ask "How long a prison term did Elspeth Marwood get?" -k 1
	@echo
	@echo "Open the chat in your browser:  $(NEWSQA) chat --open"
	@echo "Ask more here:                  $(NEWSQA) ask \"your question\""
	@echo "Index your own articles:        $(NEWSQA) index FOLDER"

test: setup-dev chromium check

# Setting up: once, and again when what is needed changes.

setup: $(VENV)/.installed
setup-dev: $(VENV)/.installed-dev

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "newsqa needs Python 3.11 or newer; name it with PYTHON=..." >&2; exit 1; }
	@echo "Making $(VENV) with $(PYTHON)"
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "On Debian or Ubuntu: apt install python3-venv" >&2; exit 1; }

$(VENV)/.installed: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing into $(VENV); the first time this takes some minutes."
	@$(INSTALL) --editable .
	@touch $@

$(VENV)/.installed-dev: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing into $(VENV); the first time this takes some minutes."
	@$(INSTALL) --editable '.[dev]'
	@touch $(VENV)/.installed $@

# The browser tests need Chromium (NEWSQA_CHROMIUM names one); where it can't be installed they are skipped.
chromium:
	@if command -v chromium || test -n "$$NEWSQA_CHROMIUM"; then :; \
	elif command -v apt-get >/dev/null && test "$$(id -u)" = 0; then \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium; \
	else echo "No Chromium here: the browser tests will be skipped."; fi

# Checking

check: lint types layers tests

lint: setup-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup-dev
	$(BIN)/mypy

layers: setup-dev
	$(BIN)/lint-imports --no-logo

tests: setup-dev
	$(BIN)/pytest

# Writing

format: setup-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: setup
	$(BIN)/python docs/generate.py > docs/cli.md

# The shipped reader anew, from the question sets of NEWSQA_DATA: hours. Stopped, it goes on where it was.
NEWSQA_DATA ?= ../shared/data
WORK ?= training/work
TRAIN = NEWSQA_DATA=$(NEWSQA_DATA) NEWSQA_INDEX=$(WORK)/index

reader: setup-dev
	$(TRAIN) $(NEWSQA) index $(NEWSQA_DATA)/archive/articles.jsonl.gz
	$(TRAIN) $(BIN)/python training/train.py --work $(WORK)
	$(TRAIN) $(BIN)/python training/export.py $(WORK) src/newsqa/reader
	$(TRAIN) $(BIN)/python training/calibrate.py src/newsqa/reader

# What newsqa takes, in about a minute; FULL=1 takes the whole archive and a million passages: hours at first.
BENCH ?= benchmarks/work

.PHONY: bench bench-peers
bench: setup-dev
	NEWSQA_DATA=$(NEWSQA_DATA) $(BIN)/python benchmarks/bench.py --work $(BENCH) $(if $(FULL),--full)

# newsqa side by side with other libraries, each in an environment of its own below PEERS: minutes, and 5 GB at first.
# ARTICLES=2000 QUESTIONS=300 is the fuller form, ARTICLES=0 takes the whole archive.
ARTICLES ?= 300
QUESTIONS ?= 50
PEERS ?= benchmarks/peers/work

bench-peers: setup-dev
	NEWSQA_DATA=$(NEWSQA_DATA) $(BIN)/python benchmarks/peers/run.py \
		--articles $(ARTICLES) --questions $(QUESTIONS) --work $(PEERS)

# Exact versions of what is installed, without what this machine alone needs.
constraints: setup-dev
	@sed -n '/^#/p' constraints.txt > constraints.new
	$(BIN)/python -m pip freeze --all --exclude-editable --exclude pip --exclude setuptools \
		| sed 's/+cpu$$//' >> constraints.new
	mv constraints.new constraints.txt
	@touch $(VENV)/.installed $(VENV)/.installed-dev

clean:
	rm -rf $(VENV) build dist src/*.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
