# The two commands are `make demo` and `make test`; each installs what it needs. `make help` lists all.
PYTHON ?= python3
BIN := .venv/bin
UV := VIRTUAL_ENV=.venv $(BIN)/uv
STAMP := .venv/.installed
GENIE := build/genie
SHIM_SOURCES := $(wildcard cni/shim/*.c cni/shim/*.h)
# Started for every pod. glibc looks at the processor as it starts (cpuid), and in a virtual machine each look is a trip
# to the host: 0.5 ms of 0.7. musl does not.
SHIM_CC := $(shell command -v musl-gcc || echo $(CC))
SHIM_FLAGS := -std=c11 -O2 -static -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror
SEED ?= 1
COUNT ?= 100000
SIZE ?= small
FUZZERS := $(patsubst tests/fuzz/shim/%.c,build/fuzz-shim-%,$(wildcard tests/fuzz/shim/*.c))

.PHONY: help demo test check unit fuzz bench bench-decide lock clean setup genie test-packages cluster-programs-soon cluster-up cluster-status cluster-down

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: setup ## the main job: a site on one machine, workloads move while prices and load change (90 s)
	$(BIN)/switcher lab run --duration 90s

# The cluster's tests come last: where its programs are not built yet, they are built beside the others.
test: setup test-packages cluster-programs-soon check ## everything: lint, types, layers, unit, contract, netns, lab and cluster tests
	tools/sandbox $(BIN)/python -m pytest -n 2 -m "not bench and not lab and not cluster" tests
	tools/sandbox $(BIN)/python -m pytest -m "lab and not bench" tests
	tools/kubernetes >/dev/null
	tools/containerd >/dev/null
	tools/sandbox $(BIN)/python -m pytest -m "cluster and not bench" tests

check: setup ## lint, format, types, layers, and whether each case of the CNI checklist has a test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy && $(BIN)/mypy tools/checklist
	$(BIN)/lint-imports --no-cache
	$(BIN)/python tools/checklist

unit: setup ## the tests that need no namespaces
	tools/sandbox $(BIN)/python -m pytest -n 2 tests/unit

# A run that was interrupted goes on where it was. REPLAY=FILE tries one kept input again.
fuzz: setup test-packages ## COUNT requests by SEED against a node, and the shim under a coverage-guided fuzzer
	tools/system-packages --for-fuzz
	$(MAKE) -s $(FUZZERS)
	$(BIN)/python -m tests.fuzz.shim --seed $(SEED)
	tools/sandbox $(BIN)/python -m tests.fuzz.money --seed $(SEED) --count $(COUNT)
	tools/sandbox $(BIN)/python -m tests.fuzz --seed $(SEED) --count $(COUNT) $(if $(REPLAY),--replay $(REPLAY))

bench: setup ## the benchmarks behind the README's figures
	tools/kubernetes >/dev/null
	tools/sandbox $(BIN)/python -m pytest -q -s -m bench tests/bench

# SIZE=report is the one behind docs/benchmark.md; SEEDS="7 8 9" tries others.
bench-decide: setup ## what every policy costs in the same worlds, beside what nobody can beat (SIZE=small, report or full)
	$(BIN)/python -m tests.bench.decide --size $(SIZE) $(if $(SEEDS),--seeds $(SEEDS)) $(if $(filter small,$(SIZE)),--report-only)

cluster-up: setup test-packages ## a one-node Kubernetes to play with (docs/test-cluster.md; needs root)
	tools/kubernetes >/dev/null
	tools/cluster up

cluster-status: $(STAMP) ## what runs in it
	tools/cluster status

cluster-down: $(STAMP) ## end it; nothing of it is left
	tools/cluster down

cluster-programs-soon:
	mkdir -p build
	{ tools/kubernetes; tools/containerd; } >build/cluster-programs.log 2>&1 &

# The sandbox of the tests has no way out: what they need is fetched before.
test-packages:
	tools/system-packages --for-tests
	tools/cni-plugins >/dev/null

setup: $(STAMP) genie ## install what is needed, build genie

$(STAMP): requirements.lock tools/installer.lock pyproject.toml tools/system-packages
	tools/system-packages
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r tools/installer.lock
	$(UV) pip sync -q --require-hashes requirements.lock tools/installer.lock
	$(UV) pip install -q --no-deps --no-build-isolation -e .
	touch $@

genie: $(STAMP) $(GENIE) ## the static CNI binary

# The new file takes the old one's place by rename: a binary that is running cannot be overwritten.
$(GENIE): $(SHIM_SOURCES)
	mkdir -p build
	$(SHIM_CC) $(SHIM_FLAGS) -o $@.$$$$ $(filter %.c,$^) && mv $@.$$$$ $@

# The tests' second build: the first wrong access or overflow ends it. Sanitizers cannot be linked statically.
build/genie-sanitized: $(SHIM_SOURCES)
	mkdir -p build
	$(CC) $(filter-out -static,$(SHIM_FLAGS)) -g -fsanitize=address,undefined -fno-sanitize-recover=all \
	    -o $@.$$$$ $(filter %.c,$^) && mv $@.$$$$ $@

build/fuzz-shim-%: tests/fuzz/shim/%.c tests/fuzz/shim/expect.h $(SHIM_SOURCES)
	mkdir -p build
	clang-14 $(filter-out -static,$(SHIM_FLAGS)) -g -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all \
	    -Icni/shim -o $@.$$$$ $< $(filter-out %/genie.c,$(filter cni/shim/%.c,$^)) && mv $@.$$$$ $@

lock: ## write requirements.lock anew from pyproject.toml
	$(UV) pip compile pyproject.toml --group dev --universal --python-version 3.11 \
	    --generate-hashes --no-header --no-emit-index-url --upgrade -q -o requirements.lock

clean: ## remove what was built and installed here
	rm -rf .venv .cache build
