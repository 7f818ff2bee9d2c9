# The project's commands. `make setup` comes before each of them and is quick when nothing changed.

PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	"$$p" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null && echo "$$p" && break; done)
VENV := .venv
RUN := $(VENV)/bin/python
# What `make setup` installs is described by these files; the stamp is named after their content.
SETUP_KEY := $(shell cat requirements.txt requirements-dev.txt local/rig/azurite.py | cksum | tr ' ' '-')
STAMP := $(VENV)/.setup-$(SETUP_KEY)
# More workers than cores: the tests over sockets wait most of the time. The files' order is that of
# tests/conftest.py.
PYTEST_ARGS ?= -n 5 --dist loadfile --no-loadscope-reorder

# What `make crash` is told: `make crash CRASH_ARGS="--seed 7 --minutes 5"`. Without a seed it draws one.
CRASH_ARGS ?= --minutes 3

.PHONY: setup demo run test crash hunt bench lint clean

setup: $(STAMP) .tools/node_modules/azurite/package.json

$(STAMP):
	@test -n "$(PYTHON)" || { echo "Python 3.11, 3.12 or 3.13 is needed"; exit 1; }
	test -x $(RUN) || $(PYTHON) -m venv $(VENV)
	$(RUN) -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	$(RUN) -m local.rig.azurite
	@rm -f $(VENV)/.setup-* && touch $@

.tools/node_modules/azurite/package.json: | $(STAMP)
	$(RUN) -m local.rig.azurite

demo: setup
	$(RUN) -m local.demo

run: setup
	$(RUN) -m local.demo --stay

test: setup
	$(RUN) -m pytest --ignore=tests/ci $(PYTEST_ARGS)

crash: setup
	$(RUN) -m tests.rig_crashes $(CRASH_ARGS)

# The simulation that looks for broken promises: until Ctrl-C, or for HUNT_MINUTES. What else it takes:
# python -m tests.simulation.hunt --help.
HUNT_MINUTES ?= 0
HUNT_ARGS ?=
hunt: setup
	$(RUN) -m tests.simulation.hunt --minutes $(HUNT_MINUTES) --log docs/hunt.log $(HUNT_ARGS)

bench: setup
	$(RUN) -m benchmarks

lint: setup
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m mypy
	$(RUN) -m tools.rules_coverage --check
	$(RUN) -m tools.bicep_check
	$(RUN) -m tools.settings_table --check
	$(RUN) -m tools.fields_page --check
	$(RUN) -m benchmarks --check

clean:
	@test ! -x $(RUN) || $(RUN) -m local down
	rm -rf .local .tools $(VENV) .venv313 .venvci .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
