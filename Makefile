# One word per task; each creates the virtual environment first, where it is missing or out of date.
PYTHON ?= python3
VENV   := .venv
RUN    := $(VENV)/bin/python
# Every file that is installed has the SHA-256 that stands in requirements.txt.
INSTALL = $(RUN) -m pip install --quiet --disable-pip-version-check
# Its many processes import the same modules: they are compiled once, whatever the environment says.
TESTS = PYTHONDONTWRITEBYTECODE= $(RUN) -m pytest --numprocesses 2 --dist worksteal
LOCK = UV_CUSTOM_COMPILE_COMMAND='make lock' $(RUN) -m uv pip compile --quiet --universal \
	--python-version 3.11 --generate-hashes

.PHONY: demo test test-integration test-slow backends ray campaign lint docs table throughput benchmarks race nightly page report-full results lock clean help

demo: $(VENV)/installed  ## train a network of the book on real digits: score, confusions, its errors as a picture
	$(RUN) -m zoo train mlp30 --seed 1 --out demo --overwrite

test: $(VENV)/installed  ## run the tests (a few minutes)
	$(TESTS)

test-integration: $(VENV)/installed  ## run the tests with several processes, fresh environments and long forms, which `test` skips
	$(TESTS) --integration -m 'integration and not slow'

test-slow: $(VENV)/installed  ## run the tests that train for minutes, too
	$(TESTS) --integration --slow

backends: $(VENV)/installed  ## every network on JAX and on PyTorch: built, trained, saved, loaded, asked
	$(INSTALL) --requirement benchmarks/requirements.txt
	$(RUN) -m pytest tests/nn/test_backends.py --integration --slow --capture=no
	$(RUN) -m pytest tests/training/test_devices.py --integration -k jax

ray: $(VENV)/installed  ## a search on a Ray cluster of two nodes, one of which is killed
	$(INSTALL) ray==2.60.0
	$(RUN) -m pytest tests/tuning/test_ray.py --integration --slow

MINUTES ?= 10
campaign: $(VENV)/installed  ## bad files and kills at every boundary, for MINUTES=10: what was tried, what failed
	$(RUN) -m tests.campaigns --minutes $(MINUTES)

lint: $(VENV)/installed  ## check style, docstrings and types
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m mypy

docs: $(VENV)/installed  ## build the documentation into docs/_build/html
	$(RUN) -m sphinx --builder html --fail-on-warning --keep-going --quiet docs docs/_build/html

table: $(VENV)/installed  ## write the measured tables into README.md and docs/
	$(RUN) -m zoo table --headlines --write README.md
	$(RUN) -m zoo table --write docs/reproducing.md
	$(RUN) -m benchmarks.throughput --write docs/performance.md
	$(RUN) -m benchmarks.ablation --write docs/performance.md
	$(RUN) -m benchmarks.vote_rules --write docs/performance.md
	$(RUN) -m benchmarks.snapshots --write docs/performance.md
	$(RUN) -m benchmarks.vote_members --write docs/performance.md
	$(RUN) -m benchmarks.serving --write docs/performance.md
	$(RUN) -m benchmarks.startup --write docs/performance.md
	$(RUN) -m benchmarks.load --write docs/serving.md
	$(RUN) -m benchmarks.vectorized --write docs/performance.md
	$(RUN) -m benchmarks.search --write docs/tuning.md
	$(RUN) -m benchmarks.fine_tuning --write docs/own_pictures.md
	$(RUN) -m benchmarks --write

throughput: $(VENV)/installed  ## measure training speed beside plain Keras, PyTorch, JAX and NumPy
	$(RUN) -m pip install --quiet --requirement benchmarks/requirements.txt
	$(RUN) -m benchmarks.throughput

benchmarks: throughput  ## measure speed, starting, serving, load and stacked trials; under an hour on an idle machine
	$(RUN) -m benchmarks.startup
	$(RUN) -m benchmarks.serving
	$(RUN) -m benchmarks.load
	$(RUN) -m benchmarks.vectorized
	$(MAKE) table
	$(RUN) -m benchmarks

race: $(VENV)/installed  ## race the search strategies on mlp30; hours, but what stands in search.csv is not run again
	$(RUN) -m benchmarks.search
	$(MAKE) table

nightly: $(VENV)/installed  ## short trainings whose scores must stay where they were: some minutes
	$(RUN) -m benchmarks.nightly

page: $(VENV)/installed  ## write the page to draw a digit on, as files: open page/index.html
	$(RUN) -m zoo draw --static page

# The papers' own recipes take days each; nothing here could train ksh2012.
NOT_RUN := ksh2012|ciresan2010|hinton2012_dropout|simard2003|simard2003_dense(\.affine|\.elastic)?
results: $(VENV)/installed  ## train the networks of the table by their recipes, in its order; days, but it resumes
	for name in $$($(RUN) -m zoo list --names | grep -vxE '$(NOT_RUN)'); do $(RUN) -m zoo reproduce $$name || exit; done
	$(MAKE) table

lock: $(VENV)/installed  ## write requirements.txt from requirements.in: indirect ones and hashes, too
	$(LOCK) requirements.in --output-file requirements.txt
	$(LOCK) docker/requirements.in --constraint requirements.txt --output-file docker/requirements.txt

report-full: $(VENV)/installed  ## run all experiments of the lab by the book's protocols; hours, but it resumes
	nice -n 10 $(RUN) -m zoo lab report
	mkdir -p docs/report/lab && cp runs/lab/index.html docs/report/lab/index.html

clean:  ## remove the virtual environment and what the tools left
	rm -rf $(VENV) .pytest_cache .ruff_cache docs/_build docs/generated

help:  ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1: /p' Makefile

$(VENV)/installed: requirements.txt pyproject.toml
	$(PYTHON) -c 'import sys; assert sys.version_info >= (3, 11), "Python 3.11 or later is needed: make PYTHON=python3.11"'
	$(PYTHON) -m venv $(VENV)
	$(INSTALL) --require-hashes --requirement requirements.txt
	$(INSTALL) --quiet --no-deps --no-build-isolation --editable .
	touch $@
