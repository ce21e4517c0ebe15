# Needs Python 3.11 and make; everything else is installed into .venv, hash-checked.
#
#   make run             start the portal on this machine (PORT=8001, HOST=0.0.0.0 change where)
#   make test            on SQLite and the embedded Valkey: everything but the browser, in which it walks the main
#                        job alone (ARGS="-k name" narrows)
#   make walks-test      on SQLite, in a browser: each way by which a case could be lost
#   make services-test   on local PostgreSQL and Redis: the browser, the campaigns with all their images, and what
#                        else a database or broker can change
#   make bench           images a second, and the time from submit to result
#   make lint types      style, templates, import contracts; types
#   make screenshots     the README's pictures, of the real pages
#   make settings        the table of settings in docs/operators.md, from the settings modules
#   make lock            write requirements/*.txt again (ARGS=--upgrade for newer versions)

SHELL := /bin/bash
PYTHON ?= $(firstword $(shell command -v python3.11 python3 python))
BIN := .venv/bin
ARGS ?=
# tests/conftest.py says how many processes, which tests stay together and which begin.
SPREAD := --numprocesses=auto --dist=loadscope --no-loadscope-reorder
# Asked once, on PostgreSQL and Redis: what a browser makes of the pages (but the main job, and the walks of each
# fault by which a case could be lost, which are asked on both), and the campaigns with all they have (--whole):
# 300 images while processes are killed, the 660 of the test split, longer ways through the API. `make test` asks
# a few images and ways of each campaign.
HERE := -m "not browser or main_job"
# Asked once, by `make test`: neither database nor broker can change what these find: the science, how a
# stack ends, where links lead, and who calls, which is decided before a row is read. What a
# caller may do with each row is asked on both (permissions/test_matrix.py).
APART := --whole -m "campaign or not acceptance" $(addprefix --ignore=tests/, \
	ml architecture classifier/client classifier/demo classifier/commands/test_register_model.py \
	permissions/test_reachable.py permissions/test_sessions.py permissions/test_tokens.py \
	portal/stack/test_ends.py security/test_open_redirect.py security/test_xss_in_html.py)
LOCK ?= runtime

export PORT HOST
# Dozens of processes start: each would compile the portal anew where this is set.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: run test walks-test services-test bench lint types lock screenshots settings python runtime dev browser

run: runtime
	@exec $(BIN)/python -m portal.operations.stack run

test: dev browser
	$(BIN)/python -m pytest $(SPREAD) $(HERE) $(ARGS)

walks-test: dev browser
	$(BIN)/python -m pytest $(SPREAD) -m "walk and not main_job" $(ARGS)

services-test: dev browser
	deploy/with-services $(BIN)/python -m pytest $(SPREAD) $(APART) $(ARGS)

bench: dev
	$(BIN)/python -m tests.benchmarks $(ARGS)

screenshots: dev browser
	$(BIN)/python -m tests.browser.screenshots $(ARGS)

settings: dev
	DJANGO_SETTINGS_MODULE=portal.settings.test $(BIN)/python manage.py list_settings --update

lint: dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/djlint --lint --quiet templates

types: dev
	$(BIN)/mypy

lock: dev
	$(BIN)/python deploy/lock.py $(ARGS)

python:
	@test -n "$(PYTHON)" || { echo "Dermaport needs Python 3.11; none was found. Install it, or name it: make run PYTHON=/path/to/python3.11" >&2; exit 1; }

# LOCK=gpu serves on an NVIDIA machine.
runtime: python
	@"$(PYTHON)" deploy/bootstrap.py $(LOCK)

dev: python
	@"$(PYTHON)" deploy/bootstrap.py dev

browser: dev
	@deploy/browser
