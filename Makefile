# Everything happens in an environment of its own: make VENV=/elsewhere puts it elsewhere.
PYTHON ?= python3
VENV ?= .venv
# On the CPU a build without CUDA is enough; TORCH= says which.
TORCH ?= torch==2.13.0
DEMO := src/elocute/assets/demo

.PHONY: demo test lint types bench browser clean

demo: $(VENV)/.installed
	$(VENV)/bin/elocute assess $(DEMO)/demo.flac --text-file $(DEMO)/demo.txt

test: $(VENV)/.installed-dev
	$(VENV)/bin/python -m pytest

lint: $(VENV)/.installed-dev
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(MAKE) types

# The page's scripts are typed in comments; checked where npm and its registry are at hand.
types:
	@command -v npm > /dev/null && timeout 120 npm install --silent --no-save --prefix $(VENV)/typescript typescript@5.9.3 > /dev/null 2>&1 \
	  || echo "The types of the page's scripts are not checked: npm cannot install TypeScript here."
	@test ! -x $(VENV)/typescript/node_modules/.bin/tsc || $(VENV)/typescript/node_modules/.bin/tsc --project jsconfig.json

# The tests in a browser need Chromium and are skipped without it; root on Debian or Ubuntu can install it.
browser:
	@{ command -v chromium || command -v chromium-browser || command -v google-chrome; } > /dev/null || { \
	  export DEBIAN_FRONTEND=noninteractive; test "$$(id -u)" = 0 && command -v apt-get > /dev/null && \
	  timeout 120 apt-get -qq update > /dev/null 2>&1 && \
	  timeout 400 apt-get -qq install --no-install-recommends -y chromium fonts-noto-core > /dev/null 2>&1; } || \
	  echo "No Chromium, and it cannot be installed here: the tests in a browser will be skipped."

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
