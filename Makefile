# Needs make and Python 3.11 or newer. Every path is relative, so the folder may have any name.
.PHONY: run dev test bench rehearse lint migrate
PY := .venv/bin/python
INSTALL := $(PY) -m pip install --quiet --disable-pip-version-check

run: .venv/.run-ready
	@exec $(PY) -m surge_app run

dev: .venv/.run-ready
	@exec $(PY) -m surge_app dev

test: lint .venv/.browser
	@exec $(PY) -m pytest $(ARGS)

lint: .venv/.test-ready
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m pyright
	$(PY) -c "from importlinter.cli import lint_imports_command as lint; lint()"
	$(PY) -m codespell_lib
	$(PY) -m interrogate --quiet surge_app

bench: .venv/.test-ready
	@exec $(PY) -m bench $(ARGS)

# For example: make rehearse ARGS="--event demo --visitors 500"
rehearse: .venv/.run-ready
	@exec $(PY) -m surge_app rehearse $(ARGS)

migrate: .venv/.run-ready
	@exec $(PY) -m surge_app migrate

# 3.12 and 3.11 come first because every pinned package has a binary for them.
.venv/.created:
	@if $(PY) -m pip --version >/dev/null 2>&1; then touch $@; exit; fi; \
	for python in $(PYTHON) python3.12 python3.11 python3.13 python3.14 python3 python; do \
	  if "$$python" -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	    "$$python" -m venv .venv && touch $@; exit; \
	  fi; \
	done; \
	echo 'Surge needs Python 3.11 or newer with its venv module (on Debian: apt install python3-venv).' >&2; exit 2

.venv/.run-ready: requirements.txt .venv/.created
	@echo 'Installing what requirements.txt names …'
	@$(INSTALL) -r requirements.txt && touch $@

.venv/.test-ready: requirements-dev.txt .venv/.run-ready
	@$(INSTALL) -r requirements-dev.txt && touch $@

.venv/.browser: .venv/.test-ready
	@$(PY) -m tests.browser_setup && touch $@
