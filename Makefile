# `make demo` and `make test` are the two commands of the README; both work on a fresh machine with
# Python 3.11+, Node 20 and npm. Everything else is a step of theirs, or remakes a file that is tracked.
PYTHON ?= python3
PORT ?= 8000
SERVE ?= 1
BIN := .venv/bin
# What is made of others' packages and of web/, not tracked by git, and part of the wheel.
PACKED := build/latefind_build/_runtime/runtime.json code

.PHONY: demo site test bench bench-visit bench-boot lint typecheck runtime code model browser clean

demo: site
ifeq ($(SERVE),1)
	$(BIN)/latefind serve site/_site --port $(PORT)
endif

site: .venv/installed $(PACKED)
	$(BIN)/latefind site docs --output site/_site --config site/latefind.toml

test: .venv/test-installed $(PACKED) browser lint typecheck
	$(BIN)/pytest

# What search costs in a real browser, into docs/benchmarks.md: `make bench BENCH="--sizes 1000,5000"`.
bench: .venv/test-installed $(PACKED) browser
	$(BIN)/python tests/bench/run.py $(BENCH)

# What a visitor waits for, into the same page: `make bench-visit BENCH="--fast"` leaves out the slow line.
bench-visit: .venv/test-installed $(PACKED) browser
	$(BIN)/python tests/bench/visit.py $(BENCH)

# The start beside bare Pyodide and beside Pagefind, into the same page; `BENCH="--fast"` as above.
bench-boot: .venv/test-installed $(PACKED) browser
	$(BIN)/python tests/bench/boot.py $(BENCH)

lint: .venv/test-installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

typecheck: .venv/test-installed web/node_modules/.package-lock.json
	$(BIN)/mypy py/latefind build/latefind_build exporter/latefind_export exporter/latefind_train
	cd web && npm run --silent typecheck

.venv/installed: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --editable .
	touch $@

# torch first, so that a build for the CPU is kept; PyLate without the other torch that it asks for.
.venv/test-installed: .venv/installed
	$(BIN)/pip install --quiet torch==2.13.0
	$(BIN)/pip install --quiet --editable '.[test]'
	$(BIN)/pip install --quiet --no-deps pylate==1.6.0
	touch $@

web/node_modules/.package-lock.json: web/package-lock.json
	cd web && npm ci --no-audit --no-fund --loglevel=error

# The browser's runtime (Pyodide, NumPy, onnxruntime-web, stemmers), packed from npm and PyPI; our package is
# compiled into it, and a recorded run of it says what is kept, so that a change of it packs again.
PACKS := $(wildcard build/latefind_build/runtime*) $(addprefix build/latefind_build/,archives.py browser_modules.py stem_modules.py)
runtime: build/latefind_build/_runtime/runtime.json
build/latefind_build/_runtime/runtime.json: .venv/installed web/node_modules/.package-lock.json $(PACKS) $(wildcard py/latefind/*.py)
	$(BIN)/python -m latefind_build.runtime_pack --node-modules web/node_modules --output build/latefind_build/_runtime

# The page's modules, joined into few. Made each time: it takes a second, and what is stale is refused.
code: .venv/installed web/node_modules/.package-lock.json
	$(BIN)/python -m latefind_build.code_pack

# Chromium for the browser tests; LATEFIND_CHROMIUM names another one.
browser:
	@command -v "$${LATEFIND_CHROMIUM:-chromium}" >/dev/null || (apt-get update -qq && apt-get install -y -qq chromium >/dev/null)

# The model that ships, from a trained checkpoint (docs/training.md) and a JSON Lines file of passages:
# `make model CHECKPOINT=latefind-docs-20m TEXT=passages.jsonl`.
model: .venv/test-installed
	@test -n "$(CHECKPOINT)" -a -n "$(TEXT)" || { echo "CHECKPOINT, TEXT: expected a checkpoint and a file of passages, got nothing. make model CHECKPOINT=DIR TEXT=passages.jsonl" >&2; exit 2; }
	$(BIN)/latefind export "$(CHECKPOINT)" --output build/latefind_build/models/default \
	  --quantize int3 --text "$(TEXT)" --name latefind-docs-20m --license Apache-2.0 \
	  --languages en,de,es,fr,it,nl,pt --card exporter/latefind_train/card.md

clean:
	rm -rf .venv web/node_modules site/_site build/latefind_build/_runtime build/latefind_build/_code
