# Two commands matter: `make chat` and `make test`. Each makes what it needs the first time.

PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet
ARGS ?=
# Processes that test side by side: tests wait more than they compute.
JOBS ?= 2

# The shortest build of llama.cpp that loses nothing used here: no multimodal part, no command-line
# helpers, and none of the instructions that crash (packaging/llama.cmake). On 2 cores: 2 minutes (3.5
# CPU minutes) instead of 10 (17.5). What you set yourself (CMAKE_ARGS=-DGGML_CUDA=on) is kept.
export CMAKE_ARGS := $(CMAKE_ARGS) -DLLAVA_BUILD=OFF -DCMAKE_PROJECT_INCLUDE=$(CURDIR)/packaging/llama.cmake

.PHONY: chat serve test check bench loop pictures clean

chat: $(VENV)/.chat
	@$(BIN)/chatapp $(ARGS)

# The same screen in a browser, for a class on a local network: make serve ARGS="--host 0.0.0.0".
serve: $(VENV)/.serve
	@$(BIN)/chatapp serve $(ARGS)

test: $(VENV)/.dev
	$(BIN)/python -m pytest -n $(JOBS) --no-loadscope-reorder $(ARGS)

# Linters, types and the rooms' one-way imports.
check: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

bench: $(VENV)/.dev
	$(BIN)/python -m benchmarks $(ARGS)

# The whole story, without hands: corrected, forgotten, consented, exported, trained, known. It fails
# if a step does not hold, and ends in one page.
loop: $(VENV)/.finetune
	$(BIN)/chatapp prove learning --report learning.html $(ARGS)

# The README's pictures, taken from the real screen with the real model.
pictures: $(VENV)/.dev
	$(BIN)/python -m docs.pictures

$(VENV)/.python:
	@test -n "$(PYTHON)" || { echo "chatapp needs Python 3.11 or newer."; exit 1; }
	@echo "Making a Python environment in $(VENV)…"
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.chat: pyproject.toml $(VENV)/.python
	@echo "Installing chatapp. The first time, llama.cpp is compiled: 2 to 5 minutes on 2 cores…"
	@$(PIP) -e .
	@touch $@

$(VENV)/.dev: pyproject.toml $(VENV)/.chat
	@$(PIP) -e '.[dev]'
	@touch $@

$(VENV)/.serve: pyproject.toml $(VENV)/.chat
	@$(PIP) -e '.[serve]'
	@touch $@

$(VENV)/.finetune: pyproject.toml $(VENV)/.chat
	@echo "Installing the fine-tuning job (PyTorch and its kin)…"
	@$(PIP) -e '.[finetune]'
	@touch $@

# pip keeps what it has compiled, for another processor perhaps.
clean:
	@$(BIN)/python -m pip --quiet cache remove llama_cpp_python 2>/dev/null || true
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
