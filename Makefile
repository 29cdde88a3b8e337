# On a fresh machine with Python 3.11+, pip and make: `make run` and `make test` do everything.
UV_VERSION := 0.13.9
PYTHON ?= python3
UV := PYTHONPATH=.tools $(PYTHON) -m uv
BIN := .venv/bin
ARGS ?=

.PHONY: run test setup lint types contracts tests fuzz audit bench bench-faq faq-model chaos soak clean

run: setup
	@exec $(BIN)/mxcutover run $(if $(PORT),--port $(PORT)) $(if $(DATA),--data $(DATA)) $(ARGS)

setup: .venv/.ready

.tools/uv-$(UV_VERSION):
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check --no-warn-script-location --root-user-action=ignore --upgrade --target .tools uv==$(UV_VERSION)
	@touch $@

.venv/.ready: .tools/uv-$(UV_VERSION) pyproject.toml uv.lock
	@$(UV) sync --quiet --locked --all-extras --python "$$($(PYTHON) -c 'import sys; print(sys.executable)')"
	@touch $@

test: lint types contracts tests

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup
	$(BIN)/mypy

contracts: setup
	$(BIN)/lint-imports

tests: setup
	$(BIN)/pytest

bench: setup bench-faq
	$(BIN)/python -m bench.acknowledge
	$(BIN)/python -m bench.reminders
	$(BIN)/python -m bench.dns_checks
	$(BIN)/python -m bench.watch

# The FAQ's matching, beside rapidfuzz and BM25; Sudachi comes with the group of its own.
bench-faq: setup
	$(UV) run --quiet --locked --isolated --all-extras --group bench python -m bench.faq

# After the phrases in bot/content/faq/phrases were edited; some minutes.
faq-model: setup
	$(UV) run --quiet --locked --isolated --all-extras --group fit python -m bench.fit_faq

# 1,000 reminders, 3 replicas, 30 kills, a Slack that fails, on both databases; SEED=… repeats a run.
chaos: setup
	$(BIN)/python -m tests.chaos.run $(if $(SEED),--seed $(SEED)) $(ARGS)

# Some minutes at 50 deliveries a second: memory, what is overdue, how long Slack waits.
soak: setup
	$(BIN)/python -m bench.soak $(ARGS)

# 100,000 inputs a parser by mutation, 20,000 led by coverage, then Hypothesis at length; over an hour.
fuzz: setup
	$(BIN)/python -m tests.fuzz.swarm $(or $(INPUTS),100000)
	$(UV) run --quiet --locked --isolated --all-extras --group fuzz python -m tests.fuzz.guided $(or $(GUIDED),20000)
	MXCUTOVER_FUZZ=$(or $(EXAMPLES),3000) $(BIN)/pytest -q tests/fuzz --timeout=3600

# Licences and hashes from the lock; known vulnerabilities where the advisories can be reached.
audit: setup
	$(BIN)/python -m tests.supply.audit $(if $(STRICT),--strict)

clean:
	rm -rf .venv .tools .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
