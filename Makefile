# Two commands matter: `make demo` and `make test`. Each sets up its own virtual environment first.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
DEMO_VENV ?= .venv-demo

.PHONY: demo test lint types pytest browser notebooks clean

demo: $(DEMO_VENV)/.installed
	@$(DEMO_VENV)/bin/pingtoken demo

test: lint types pytest

lint: $(VENV)/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

# Users on other systems and Pythons install the same wheel, so it is checked for all of them.
types: $(VENV)/.installed
	$(BIN)/mypy --exclude 'tests/benchmarks|typing_mistakes' tests
	MYPYPATH=tests/benchmarks $(BIN)/mypy --explicit-package-bases tests/benchmarks
	@for platform in linux darwin win32; do for version in 3.11 3.12 3.13 3.14; do \
		echo "mypy for $$platform, Python $$version"; \
		$(BIN)/mypy --platform $$platform --python-version $$version -p pingtoken_sdk || exit 1; \
	done; done

pytest: $(VENV)/.installed browser
	$(BIN)/python -m pytest

# The notebook is tested in the system's Chromium, since playwright's own comes from no package registry.
browser:
	@for name in chromium chromium-browser google-chrome; do command -v $$name > /dev/null && exit; done; \
	echo "Installing Chromium for the tests of the notebook"; \
	sudo=$$([ "$$(id -u)" = 0 ] || echo sudo); \
	$$sudo apt-get update -qq && $$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
		--no-install-recommends chromium fonts-dejavu-core fonts-noto-cjk > /dev/null

# After a change that shows in them: runs the notebooks, and keeps what is fit to be committed.
notebooks: $(VENV)/.installed
	$(BIN)/python notebooks/refresh.py

$(VENV)/.installed: pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[all]' --group dev
	@touch $@

$(DEMO_VENV)/.installed: pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")'
	$(PYTHON) -m venv $(DEMO_VENV)
	$(DEMO_VENV)/bin/python -m pip install --quiet --upgrade pip
	$(DEMO_VENV)/bin/python -m pip install --quiet --editable '.[sandbox]'
	@touch $@

clean:
	rm -rf $(VENV) $(DEMO_VENV) .bench .mypy_cache .ruff_cache .pytest_cache dist build
