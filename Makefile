# Two commands for people: `make demo` and `make test`. Both set everything up themselves.
PYTHON ?= python3
VENV   := .venv
STAMP  := $(VENV)/.installed
# The tests wait as much as they compute, for servers, kills and browsers: one process more than there are cores.
WORKERS ?= $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)

.PHONY: demo test setup lint system-packages lock wheel clean

demo: setup
	$(VENV)/bin/tanji demo $(ARGS)

test: setup system-packages lint
	$(VENV)/bin/python -m pytest --numprocesses=$(WORKERS) --dist=loadfile --no-loadscope-reorder $(ARGS)

lint: setup
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

setup: $(STAMP)

# Nothing is done here when neither the lock file nor the package description changed.
$(STAMP): requirements.lock pyproject.toml
	$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || tools/system-packages python3-venv
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(VENV)/bin/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

# What the tests want beside Python: a real InfluxDB, a browser, a Chinese font.
system-packages:
	tools/system-packages influxdb:influxd chromium:chromium fonts-noto-cjk:/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc

lock:
	$(VENV)/bin/pip-compile --quiet --generate-hashes --no-emit-index-url --no-emit-trusted-host --no-emit-find-links \
		--extra dev --strip-extras --allow-unsafe --output-file requirements.lock pyproject.toml

wheel: setup
	$(VENV)/bin/python -m build --wheel --no-isolation

clean:
	rm -rf $(VENV) demo dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis
