# sood-tui from a fresh machine with Python 3.11+, git and make: everything lands in .venv beside this file.

VENV := .venv
PYTHON := $(VENV)/bin/python
DEMO ?= sood-demo
ARGS ?=
PYTEST := $(PYTHON) -m pytest --ignore=tests/benchmarks -n auto --maxprocesses=8 --dist=worksteal

.PHONY: help install demo test quick test-cluster check format benchmarks pages wordnet lock clean distclean

help:
	@echo 'make demo       the whole walk on made-up pictures in $(DEMO), then the screens (ARGS="--no-tui --seed 1")'
	@echo 'make install    the program and its tools into $(VENV)'
	@echo 'make test       all tests; make quick leaves the slow ones out; make check adds formatting, types and contracts'
	@echo 'make test-cluster the tests on a local Ray cluster'
	@echo 'make benchmarks the tables of docs/benchmarks.md'
	@echo 'make pages      the pages of docs/ that come from the program: keys and settings'
	@echo 'make wordnet    WordNet 3.0, where this machine has none'
	@echo 'make lock       constraints.txt anew, from the newest versions that pyproject.toml allows'
	@echo 'make clean      remove caches and builds; make distclean removes $(VENV) too'

demo: $(VENV)/installed wordnet
	$(VENV)/bin/sood-tui demo $(DEMO) $(ARGS)

install: $(VENV)/installed-dev

test: $(VENV)/installed-dev wordnet
	$(PYTEST)

quick: $(VENV)/installed-dev wordnet
	$(PYTEST) -m 'not slow'

# Ray is large and a cluster on one machine slow, so these tests are run by name; elsewhere they are skipped.
test-cluster: $(VENV)/installed-dev
	$(PYTHON) -m pip install --quiet --constraint constraints.txt --editable '.[cluster-tests]'
	$(PYTHON) -m pytest tests/jobs/test_cluster*.py tests/gpu/test_scoring_together.py -p no:xdist

check: $(VENV)/installed-dev wordnet
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m ruff check .
	$(PYTHON) -m mypy
	$(VENV)/bin/lint-imports
	$(PYTEST)

format: $(VENV)/installed-dev
	$(PYTHON) -m ruff format .
	$(PYTHON) -m ruff check --fix .

benchmarks: $(VENV)/installed-dev wordnet
	$(PYTHON) -m pytest tests/benchmarks -s -p no:xdist

pages: $(VENV)/installed-dev
	$(PYTHON) scripts/write_pages.py

wordnet: $(VENV)/installed
	@$(PYTHON) scripts/get_wordnet.py

$(VENV)/bin/python:
	sh scripts/make_venv.sh $(VENV)

$(VENV)/installed: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo 'Installing sood-tui into $(VENV); PyTorch is large, the first time takes some minutes.'
	$(PYTHON) -m pip install --quiet --constraint constraints.txt --editable .
	@touch $@

$(VENV)/installed-dev: $(VENV)/installed
	$(PYTHON) -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $@

# The versions that were tested. CUDA's own packages are left out: torch pins them, and other platforms have none.
lock:
	rm -rf $(VENV)-lock
	sh scripts/make_venv.sh $(VENV)-lock
	$(VENV)-lock/bin/python -m pip install --quiet '.[dev]'
	@{ echo '# The versions that the tests ran with; `make lock` writes this file.'; \
	   $(VENV)-lock/bin/python -m pip freeze --exclude sood-tui | grep -v -i -E '^(nvidia-|cuda-|triton==)'; } > constraints.new
	mv constraints.new constraints.txt
	rm -rf $(VENV)-lock
	@echo 'Now run: make check'

clean:
	rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache snapshot_report.html
	find sood_tui engine store tests scripts -name __pycache__ -type d -prune -exec rm -rf {} +

distclean: clean
	rm -rf $(VENV) $(VENV)-lock
