# Needs Rust, Go, a C compiler, make and bash on Linux. `make test` and `make bench` install a browser, and `make test` a
# registry, on Debian as root, and say so. `make help` lists the targets.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
TARGET := $(or $(CARGO_TARGET_DIR),target)

export DEMO_ONCE
export DEMO_CONTEXT


.PHONY: help
help: ## what there is to make
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile

.PHONY: demo
demo: ## see it work on a control plane of its own (DEMO_ONCE=1: end by itself; DEMO_CONTEXT=name: an existing cluster)
	@hack/demo.sh

.PHONY: test
test: ## every test, unit to e2e
	@hack/test.sh

.PHONY: differential
# Other files each day: the seed is printed, and TAGWATCH_DIFFERENTIAL_SEED=N repeats a run.
differential: export TAGWATCH_DIFFERENTIAL_FILES ?= 120000
differential: export TAGWATCH_DIFFERENTIAL_SEED ?= $(shell date +%Y%m%d)
differential: ## 120,000 generated YAML and JSON files through kubectl's reader and ours; `make test` does 6,000
	@e2e/yaml/build.sh >/dev/null
	@cargo test --locked --package tagwatch-scan --lib yaml::differential -- --nocapture

.PHONY: replicas
# A quarter each of SIGKILL, SIGTERM, freezes and cuts, with two replicas and again with three: 200 of each in two hours.
replicas: export TAGWATCH_REPLICA_ROUNDS ?= 400
replicas: export TAGWATCH_LEASE_RUNS ?= 2000
replicas: ## leaders that are killed, ended, frozen and cut off 800 times, on the real control plane; `make test` does 8
	@e2e/control-plane/build.sh >/dev/null
	@cargo test --locked --package tagwatch-controller --lib lease::
	@cargo test --locked --package tagwatch --package tagwatch-e2e --test e2e -- --nocapture replicas_that

.PHONY: test-versions
test-versions: ## the e2e suite on older versions of Kubernetes, which are built first (TAGWATCH_KUBERNETES="1.33": one of them)
	@hack/test-versions.sh

.PHONY: faults
# Other plans each day: the seed is printed, and TAGWATCH_FAULT_PLAN=family:seed repeats one plan, on the real server
# TAGWATCH_FAULT_REAL_PLAN.
faults: export TAGWATCH_FAULT_PLANS ?= 1820
faults: export TAGWATCH_FAULT_REAL_PLANS ?= 600
faults: export TAGWATCH_FAULT_SEED ?= $(shell date +%Y%m%d)
faults: ## 2,420 seeded faults of API server, network and process, 600 of them on the real one; `make test` does 77
	@e2e/control-plane/build.sh >/dev/null
	@cargo build --locked --package tagwatch
	@echo "seed $$TAGWATCH_FAULT_SEED"
	@cargo test --locked --package tagwatch-faults --lib --test simulated -- --nocapture
	@cargo test --locked --package tagwatch-faults --test real

.PHONY: faults-mutants
faults-mutants: ## bugs planted in the controller, each of which the fault bench has to find (about a minute each)
	@hack/faults-mutants.sh

.PHONY: fuzz-scan
fuzz-scan: export TAGWATCH_SUBSET_FILES ?= 1000000
fuzz-scan: export TAGWATCH_DIFFERENTIAL_SEED ?= $(shell date +%Y%m%d)
fuzz-scan: ## a million generated and mutated manifests through the fast and the exact YAML reader; `make test` does 12,000
	@cargo test --locked --release --package tagwatch-scan --lib yaml::differential::subset -- --nocapture

.PHONY: bench-scan
bench-scan: ## a scan of 5,000 files beside a bare read of them, and beside other tools on the PATH
	@cargo build --locked --release --package tagwatch --features jemalloc
	@cargo build --locked --release --package tagwatch-scan --example bench_scan
	@$(TARGET)/release/examples/bench_scan $(TARGET)/release/tagwatch

.PHONY: bench
bench: bench-build ## 1,000 Deployments on the real control plane, beside a bare POST loop
	@$(TARGET)/release/bench

.PHONY: bench-scale
bench-scale: bench-build ## 150,000 pods and 11,000 reports on the real control plane, beside raw clients
	@$(TARGET)/release/bench --part scale

.PHONY: bench-build
bench-build:
	@hack/side-by-side.sh control-plane 'e2e/control-plane/build.sh --optimised' \
		rust 'cargo build --locked --release --package tagwatch --package tagwatch-e2e --package tagwatch-footprint \
		--features tagwatch/jemalloc,tagwatch-footprint/jemalloc --bin tagwatch --bin bench --bin footprint'

.PHONY: bench-hostile
# A fifth of the full sizes fits on a small machine; HOSTILE_PERCENT=100 is what `make bench` and `.ci/nightly` measure.
bench-hostile: HOSTILE_PERCENT ?= 20
bench-hostile: HOSTILE_TIME ?= 30m
bench-hostile: ## what a hostile tenant does to the others, at a fifth of the sizes of `make bench`; fails if an aim is missed
	@e2e/control-plane/build.sh --optimised >/dev/null
	@cargo build --locked --release --package tagwatch --package tagwatch-e2e --features tagwatch/jemalloc \
		--bin tagwatch --bin bench
	@timeout --kill-after=30s $(HOSTILE_TIME) $(TARGET)/release/bench --part hostile --hostile-percent $(HOSTILE_PERCENT)

.PHONY: build
build: ## the tagwatch binary, optimised: target/release/tagwatch
	@cargo build --locked --release --package tagwatch --features jemalloc

.PHONY: generate
generate: ## what is generated from the code: CRDs, rule pages, CLI reference
	@cargo build --locked --quiet --workspace --bins
	@$(TARGET)/debug/tagwatch generate

.PHONY: check
# The same build as that of `make test`, so that nothing is built twice after it.
check: lint ## lint, and whether what is generated is up to date
	@cargo build --locked --quiet --workspace --all-targets
	@$(TARGET)/debug/tagwatch generate --check
	@echo 'check: clean'

.PHONY: lint
lint: ## formatting, clippy, go vet, shellcheck where there is one
	@hack/lint.sh

.PHONY: fmt
fmt: ## format Rust and Go
	@cargo fmt --all
	@gofmt -l -w e2e

.PHONY: clean
clean: ## remove what was built here (the control plane is kept outside: see e2e/control-plane/build.sh)
	@cargo clean
