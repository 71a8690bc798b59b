# Everything happens in an environment of its own: make VENV=/elsewhere puts it elsewhere.
PYTHON ?= python3
VENV ?= .venv
# On the CPU a build without CUDA is enough; TORCH= says which.
TORCH ?= torch==2.13.0
DEMO := src/elocute/assets/demo

.PHONY: demo test lint bench clean

demo: $(VENV)/.installed
	$(VENV)/bin/elocute assess $(DEMO)/demo.flac --text-file $(DEMO)/demo.txt

test: $(VENV)/.installed-dev
	$(VENV)/bin/python -m pytest

lint: $(VENV)/.installed-dev
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

bench: $(VENV)/.installed
	$(VENV)/bin/python benchmarks/speed.py
	$(VENV)/bin/python benchmarks/alignment.py

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -prune -exec rm -rf {} +

$(VENV)/bin/pip:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml | $(VENV)/bin/pip
	$(VENV)/bin/pip install --quiet --disable-pip-version-check --editable .
	touch $@

# torch first: the extra is then satisfied by whatever build is there.
$(VENV)/.installed-dev: pyproject.toml | $(VENV)/bin/pip
	$(VENV)/bin/pip install --quiet --disable-pip-version-check "$(TORCH)"
	$(VENV)/bin/pip install --quiet --disable-pip-version-check --editable ".[serve,train,dev]"
	touch $@ $(VENV)/.installed
