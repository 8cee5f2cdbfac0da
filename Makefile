# `make demo` and `make test` do everything on a machine with Python 3.11 or newer, git and make.

PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
PYTEST_ARGS ?= --whole-suite --numprocesses auto --dist worksteal
POSTGRES_ARGS ?= --numprocesses auto --dist worksteal
# What is nearest to the database, a third of the suite; and what has a server of its own, wherever the others keep worlds.
POSTGRES_TESTS := $(addprefix tests/,balances contract control developer guides issuing kernel treasury)
OF_POSTGRES := tests/postgres tests/kernel/database/postgres
DEMO_ARGS ?=
BENCH_ARGS ?=
FUZZ_ARGS ?=
# Tests start servers by the hundred: each would compile the whole program.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test test-postgres test-postgres-rest test-processes lint bench fuzz clean

demo: $(VENV)/.runs
	$(VENV)/bin/stripe-emulator demo $(DEMO_ARGS)

# Five seconds pass there before each request of a test: one that needs two of them within a second fails always, not once.
test: $(VENV)/.tests
	$(PY) -m pytest $(PYTEST_ARGS)
	$(PY) -m pytest --database postgres --seconds 5 $(POSTGRES_ARGS) $(addprefix --ignore=,$(OF_POSTGRES)) $(POSTGRES_TESTS)

# The whole suite with a database of PostgreSQL in place of every data directory; tests/about_files.py names the rest.
test-postgres: $(VENV)/.tests
	$(PY) -m pytest --database postgres $(PYTEST_ARGS)

# What of that `make test` has not run yet.
test-postgres-rest: $(VENV)/.tests
	$(PY) -m pytest --database postgres $(POSTGRES_ARGS) $(addprefix --ignore=,$(OF_POSTGRES) $(POSTGRES_TESTS))

# The whole suite, answered by three servers of one database behind a small proxy.
test-processes: $(VENV)/.tests
	$(PY) -m pytest --database postgres --processes 3 $(PYTEST_ARGS)

lint: $(VENV)/.tests
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .

bench: $(VENV)/.tests
	$(PY) -m bench.http_bench $(BENCH_ARGS)
	$(PY) -m bench.webhook_bench $(filter --write,$(BENCH_ARGS))
	$(PY) -m bench.worlds_bench $(filter --write,$(BENCH_ARGS))
	$(PY) -m bench.clock_bench $(filter --write,$(BENCH_ARGS))
	$(PY) -m bench.pages_bench $(filter --write,$(BENCH_ARGS))
	$(PY) -m bench.questions_bench
	$(PY) -m bench.postgres_bench $(filter --write,$(BENCH_ARGS))

fuzz: $(VENV)/.tests
	$(PY) -m bench.fuzz $(FUZZ_ARGS)

clean:
	rm -rf $(VENV) build dist .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo 'Python 3.11 or newer is needed; name one with: make PYTHON=python3.12 ...' >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)

# The stamps are older than pyproject.toml exactly when there is something new to install.
$(VENV)/.runs: pyproject.toml | $(VENV)/bin/python
	$(PY) -m pip install --quiet --editable .
	@touch $@

$(VENV)/.tests: pyproject.toml | $(VENV)/bin/python
	$(PY) -m pip install --quiet --editable '.[test,dev]'
	@touch $@ $(VENV)/.runs
