# One word a job; each makes the virtual environment first, where it is missing or out of date.
PYTHON ?= python3
VENV   := .venv
RUN    := $(VENV)/bin/python

.PHONY: demo page test test-slow lint results table throughput clean

demo: $(VENV)/installed  ## train a network of the book on real digits, and look at what it got wrong
	$(RUN) -m zoo train mlp30 --seed 1 --out demo --overwrite

page: $(VENV)/installed  ## the page to draw a digit on, as files: open page/index.html
	$(RUN) -m zoo draw --static page

test: $(VENV)/installed  ## the tests (a few minutes)
	$(RUN) -m pytest --numprocesses 2 --dist worksteal

test-slow: $(VENV)/installed  ## the tests that train for long, too
	$(RUN) -m pytest --numprocesses 2 --dist worksteal --slow

lint: $(VENV)/installed  ## style
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .

results: $(VENV)/installed  ## train everything by the book, in the order of the table; days, but it resumes
	for name in $$($(RUN) -m zoo list --names); do $(RUN) -m zoo reproduce $$name || exit; done
	$(MAKE) table

table: $(VENV)/installed  ## write the measured tables into the README
	$(RUN) -m zoo table --write README.md
	$(RUN) -m benchmarks.throughput --write README.md
	$(RUN) -m benchmarks.ablation --write README.md
	$(RUN) -m benchmarks.search --write README.md
	$(RUN) -m benchmarks.serving --write README.md
	$(RUN) -m benchmarks.vectorized --write README.md

throughput: $(VENV)/installed  ## images a second, beside plain Keras, PyTorch, JAX and NumPy
	$(RUN) -m pip install --quiet --requirement benchmarks/requirements.txt
	$(RUN) -m benchmarks.throughput

clean:
	rm -rf $(VENV) .pytest_cache .ruff_cache

$(VENV)/installed: requirements.txt
	$(PYTHON) -c 'import sys; assert sys.version_info >= (3, 11), "Python 3.11 or later is needed: make PYTHON=python3.11"'
	$(PYTHON) -m venv $(VENV)
	$(RUN) -m pip install --quiet --disable-pip-version-check --requirement requirements.txt
	touch $@
