# `make run` is all that a fresh machine with Python 3.11 or newer and pip needs.
# PYTHON chooses the interpreter: make run PYTHON=python3.12. TLS=1 serves HTTPS with a certificate of its own.

PYTHON ?= python3
WHOLE := $(addprefix tests/,browser embedded live)
TOOLS := .venv/bin
UV := .bootstrap/bin/uv
# Hashes pin what is installed, also where the user's pip is set up for something else.
PIP := PIP_USER=0 PIP_REQUIRE_VIRTUALENV=0 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore \
	$(PYTHON) -m pip
COMPILE := UV_CUSTOM_COMPILE_COMMAND="make requirements" \
	$(UV) pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes

.PHONY: run test test-whole test-parts check bench messages requirements clean
.DELETE_ON_ERROR:

run: .venv/runtime-installed
	@exec $(TOOLS)/python manage.py up

# Two halves side by side, each with servers of its own: the product as a whole, and its parts.
test: .venv/dev-installed
	@echo "Some 13 minutes; each of two halves tells when it is done."
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target --keep-going test-whole test-parts

test-whole: .venv/dev-installed
	@$(TOOLS)/python -m pytest $(WHOLE)

test-parts: .venv/dev-installed
	@$(TOOLS)/python -m pytest $(addprefix --ignore=,$(WHOLE))

check: .venv/dev-installed
	$(TOOLS)/ruff check .
	$(TOOLS)/ruff format --check .
	$(TOOLS)/mypy .
	$(TOOLS)/lint-imports
	$(TOOLS)/bandit --quiet -c pyproject.toml -r accounts breastrisk ml_models predictions
	$(TOOLS)/djlint --check --lint templates
	$(TOOLS)/python manage.py check
	$(TOOLS)/python -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run

bench: .venv/dev-installed
	@$(TOOLS)/python -m benchmarks

messages: .venv/dev-installed
	@DJANGO_SETTINGS_MODULE=breastrisk.settings $(TOOLS)/python -m tests.catalogues

requirements: .bootstrap
	$(COMPILE) requirements/runtime.in --output-file requirements.txt
	$(COMPILE) requirements/dev.in --output-file requirements/dev.txt
	$(COMPILE) requirements/uv.in --output-file requirements/uv.txt

clean:
	rm -rf .venv .bootstrap .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

# uv needs no venv or ensurepip of the system's and is seven times faster. Without it, pip does as well.
# Behind a proxy with a certificate of its own only the system's store knows that; a container may have none.
define install
	@echo "Installing $(1)"
	@if test -x $(UV); then \
	  for certificates in --no-system-certs --system-certs; do \
	    $(UV) pip install --quiet $$certificates --python .venv --compile-bytecode --require-hashes -r $(1) \
	      && exit; \
	  done; \
	  echo "uv could not; trying pip, which takes some minutes"; \
	fi; \
	$(PIP) --python .venv install --quiet --require-hashes -r $(1)
endef

.venv/runtime-installed: requirements.txt | .venv/bin/python
	$(call install,requirements.txt)
	@touch $@

.venv/dev-installed: requirements.txt requirements/dev.txt | .venv/bin/python
	$(call install,requirements/dev.txt)
	@touch $@ .venv/runtime-installed

.venv/bin/python: | .bootstrap
	@echo "Making .venv"
	@interpreter=$$($(PYTHON) -c 'import sys; print(sys.executable)'); \
	if test -x $(UV) && $(UV) venv --quiet --clear --no-python-downloads --python "$$interpreter" .venv; then \
	  exit; \
	fi; \
	$(PYTHON) -m venv --clear --without-pip .venv

.bootstrap: requirements/uv.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Python 3.11 or newer is needed; $(PYTHON) is not. Try: make PYTHON=python3.11" >&2; exit 1; }
	@$(PYTHON) -m pip --version >/dev/null || { echo "$(PYTHON) has no pip: install it first." >&2; exit 1; }
	@echo "Fetching uv"
	@rm -rf $@
	@$(PIP) install --quiet --target $@ --require-hashes -r requirements/uv.txt || { \
	  echo "uv cannot be had; using pip, which takes some minutes"; mkdir -p $@; }
	@touch $@
