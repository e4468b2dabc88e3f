# Needs make and Python 3.11 or newer. Every path is relative, so the folder may have any name.
.PHONY: run dev test test-fast test-nightly coverage screenshots pages bench rehearse lint lint-js test-js messages docs advisories lock changelog migrate run-ready test-ready
PY := .venv/bin/python
# Where it is set, every command and every worker would compile all of Surge anew as it starts.
unexport PYTHONDONTWRITEBYTECODE
JS := tests/js
NPM := PATH="$(CURDIR)/.venv/bin:$$PATH" npm --prefix $(JS)
# Python compiles a module when it first imports it; pip would compile all of them, one by one.
INSTALL := $(PY) -m pip install --quiet --disable-pip-version-check --no-compile

run: run-ready
	@exec $(PY) -m surge_app run

dev: run-ready
	@exec $(PY) -m surge_app dev

# A contributor's first command: no browser, no pages, no root, under three minutes.
FAST := tests/unit tests/architecture tests/state tests/lua tests/contract
test-fast: test-ready
	@exec $(PY) -m pytest -q -n 2 --dist loadfile $(FAST) $(ARGS)

# The pages are built while pyright reads, each on a core of its own. Then three tests at a time,
# for a test waits for much of its time, and all of a file in one process: each process starts one
# Surge for its tests. The order is random, but the same for the same code; SEED=default draws
# another one, as nightly does.
SEED := 1
test:
	@$(MAKE) --no-print-directory -j 3 lint test-js pages .venv/.browser
	@exec $(PY) -m pytest -n 3 --dist loadfile --randomly-seed=$(SEED) \
	  --durations=25 --durations-min=5 $(ARGS)

# The slow tests of tools, which `make test` leaves out. The nightly workflow and a release run them.
test-nightly: pages .venv/.browser .venv/.servers
	@exec $(PY) -m pytest -n 2 --dist loadfile -m nightly $(ARGS)

# Branches covered, in every Python process that a test starts. It takes about twice as long.
coverage: pages .venv/.browser
	@rm -rf .coverage.d && mkdir .coverage.d
	@$(PY) -m coverage run -m pytest -q -n 2 --dist loadfile $(ARGS)
	@$(PY) -m coverage combine --quiet && $(PY) -m coverage report

# Every page and state the tests look at, in four sizes and both themes; the list of events comes first.
screenshots: pages .venv/.browser
	@PICTURES=docs/screenshots $(PY) -m pytest -q -p no:randomly $(addprefix tests/browser/, \
	  events/test_event_states.py checkout/test_purchase_matrix.py checkout/test_outage.py \
	  waiting_room/test_queue_states.py admin/test_admin_access.py admin/test_admin_pages.py \
	  admin/test_changed_event.py) $(ARGS)

pages: run-ready
	@$(PY) -m surge_app build-pages

lint: test-ready lint-js
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m pyright
	$(PY) -c "from importlinter.cli import lint_imports_command as lint; lint()"
	$(PY) -m codespell_lib
	$(PY) -m tests.architecture.house_style
	$(PY) -m tests.architecture.messages --check
	$(MAKE) --no-print-directory docs

# Writes the sentences of the code into the catalogue of each language; see docs/guides/develop.md.
messages: test-ready
	@$(PY) -m tests.architecture.messages

# JavaScript: biome, the types of its comments, and the tests of its pure functions.
lint-js: $(JS)/node_modules
	@$(NPM) run --silent lint

test-js: $(JS)/node_modules
	@$(NPM) run --silent test

# With the Node that requirements.lock brings; npm checks each package against its digest.
$(JS)/node_modules: $(JS)/package-lock.json | run-ready
	@$(NPM) ci --silent --ignore-scripts && touch $@

# The documents as a site in .site/; a broken link fails.
docs: test-ready
	@NO_MKDOCS_2_WARNING=1 $(PY) -m mkdocs build --strict --quiet

# Asks for known vulnerabilities of everything that is installed. It needs the index's advisories,
# and fails where they cannot be had; what they say changes without us, so no test asks.
advisories: test-ready
	$(PY) -m pip_audit --strict --local --progress-spinner off

bench: test-ready
	@exec $(PY) -m bench $(ARGS)

# For example: make rehearse ARGS="--visitors 500 --units 150"; see docs/guides/rehearse.md
rehearse: run-ready
	@exec $(PY) -m surge_app rehearse $(ARGS)

migrate: run-ready
	@exec $(PY) -m surge_app migrate

# 3.12 and 3.11 come first because every pinned package has a binary for them.
.venv/.created:
	@if $(PY) -m pip --version >/dev/null 2>&1; then touch $@; exit; fi; \
	for python in $(if $(PYTHON),"$(PYTHON)",python3.12 python3.11 python3.13 python3.14 python3 python); do \
	  if "$$python" -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	    "$$python" -m venv .venv && touch $@; exit; \
	  fi; \
	done; \
	echo '$(if $(PYTHON),PYTHON=$(PYTHON) does not work: )Surge needs Python 3.11 or newer with its venv module (on Debian: apt install python3-venv).' >&2; exit 2

# The lock names every package, so pip need not look for more: it reads extras of others as new ones.
# Compared by content, so that a checkout of another commit with the same packages installs nothing.
run-ready: .venv/.created
	@[ -z "$(PYTHON)" ] || [ "$$("$(PYTHON)" -V 2>&1)" = "$$($(PY) -V)" ] || \
	  echo '.venv has another Python, so PYTHON=$(PYTHON) has no effect. Remove .venv to change it.' >&2
	@cmp -s requirements.lock .venv/requirements.lock || { \
	  echo 'Installing the packages of requirements.lock; the first time takes one to four minutes …'; \
	  $(INSTALL) --no-deps --require-hashes -r requirements.lock && cp requirements.lock .venv/requirements.lock; }

test-ready: run-ready
	@cmp -s requirements-dev.lock .venv/requirements-dev.lock || { \
	  echo 'Installing the packages of requirements-dev.lock …'; \
	  $(INSTALL) --no-deps --require-hashes -r requirements-dev.lock && cp requirements-dev.lock .venv/requirements-dev.lock; }

# Run it after a change of requirements.txt or requirements-dev.txt. The locks hold the hashes of
# every platform. The index is named so that a developer's own configuration leaves no trace.
LOCK = $(PY) -m uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
  --no-header --no-annotate --default-index https://pypi.org/simple
lock: .venv/.created
	@$(PY) -m uv --version >/dev/null 2>&1 || $(INSTALL) $$(grep '^uv==' requirements-dev.txt)
	$(LOCK) requirements.txt -o requirements.lock
	$(LOCK) requirements-dev.txt -c requirements.lock -o requirements-dev.lock

# What the next release will say; `towncrier build` writes it into CHANGELOG.md.
changelog: test-ready
	@$(PY) -m towncrier build --draft

.venv/.browser: requirements-dev.lock tests/browser_setup.py | test-ready
	@$(PY) -m tests.browser_setup && touch $@

# nginx, PgBouncer and Redis: nightly tests run what deploy/ has for them, and a sale on the Redis.
# After the browser, because the system's packages are installed by one at a time.
.venv/.servers: bench/proxy_setup.py | .venv/.browser
	@$(PY) -m bench.proxy_setup && touch $@
