# MetricStream. `make help` lists what there is.

GO       ?= go
SUITE    ?= all
FUZZTIME ?= 10s
ARGS     ?=

# The machine's own instruction level, for what runs here; `make build` and releases stay portable.
NATIVE_AMD64 := $(shell sh .ci/goamd64)

UNIT        := ./pkg/metric ./pkg/ratelimit ./pkg/telemetry ./pkg/shadow ./pkg/loadgen ./pkg/stats ./pkg/report ./engines/... ./benchmarks
INTEGRATION := ./pkg/journal ./pkg/ingest ./pkg/server ./cmd/lab .
E2E         := ./cmd/metricstream

ifeq ($(SUITE),all)
PACKAGES := ./...
else ifeq ($(SUITE),unit)
PACKAGES := $(UNIT)
else ifeq ($(SUITE),integration)
PACKAGES := $(INTEGRATION)
else ifeq ($(SUITE),e2e)
PACKAGES := $(E2E)
else
PACKAGES := $(shell $(GO) list ./... | grep -E '/$(SUITE)(/|$$)' || echo no-suite-$(SUITE))
endif

FUZZ_TARGETS = $(shell grep -rlE '^func Fuzz' --include='*_test.go' . | xargs -n1 dirname | sort -u)

.DEFAULT_GOAL := help

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo "  SUITE=unit|integration|e2e|<package>  for test, race   (make test SUITE=ingest)"
	@echo "  FUZZTIME=10s, or 20000x               for fuzz, for each target: a time or a number of runs"
	@echo "  ARGS='--json-engine=sonic'            for run"
	@echo "  ENGINES=custom,sonic  BASE_ENGINE=std  PAYLOAD=file  ROUNDS=20  OUT=folder  QUICK=1  FULL=1"
	@echo "                                        for bench-compare, each of them optional"
	@echo "  BASE=<git ref>  [ENGINES=, PAYLOADS=, ROUNDS=]"
	@echo "                                        for bench-gate"

.PHONY: run
run: ## Build for this machine and start the server on :8080, storing data/metrics.jsonl
	@echo "building for this machine (GOAMD64=$(NATIVE_AMD64))"
	@GOAMD64=$(NATIVE_AMD64) $(GO) build -o bin/metricstream-native ./cmd/metricstream
	@exec ./bin/metricstream-native $(ARGS)

.PHONY: build
build: ## Build the portable binary bin/metricstream
	$(GO) build -trimpath -o bin/metricstream ./cmd/metricstream

.PHONY: test
test: ## Run the tests (SUITE= for a part)
	$(GO) test -timeout 10m $(PACKAGES)

.PHONY: race
race: ## Run the tests under the race detector
	$(GO) test -race -timeout 15m $(PACKAGES)

.PHONY: fuzz
fuzz: ## Run each fuzz target for FUZZTIME
	@set -e; for dir in $(FUZZ_TARGETS); do \
		for target in $$($(GO) test -list '^Fuzz' $$dir | grep ^Fuzz); do \
			echo "$$dir $$target"; \
			$(GO) test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x $$dir; \
		done; \
	done

.PHONY: coverage
coverage: ## Write coverage/coverage.html; fail when a package has less than 90% of its statements covered
	@rm -rf coverage && mkdir -p coverage/e2e
	METRICSTREAM_COVERDIR=$(CURDIR)/coverage/e2e $(GO) test -count=1 -timeout 15m -coverpkg=./... -coverprofile=coverage/tests.txt ./...
	@$(GO) tool covdata textfmt -i=coverage/e2e -o coverage/e2e.txt
	@(cat coverage/tests.txt; grep -v ^mode: coverage/e2e.txt) > coverage/coverage.txt
	@$(GO) tool cover -html coverage/coverage.txt -o coverage/coverage.html
	@awk -f .ci/coverage.awk coverage/coverage.txt

.PHONY: lint
lint: ## gofmt, vet and staticcheck
	@unformatted=$$(gofmt -l .); if [ -n "$$unformatted" ]; then echo "not formatted by gofmt:" $$unformatted; exit 1; fi
	$(GO) vet ./...
	$(GO) vet -tags browser ./cmd/lab
	$(GO) tool staticcheck ./...

.PHONY: cross
cross: ## Build for the other platforms
	GOOS=linux GOARCH=arm64 CGO_ENABLED=0 $(GO) build -o /dev/null ./cmd/metricstream
	GOOS=darwin GOARCH=arm64 CGO_ENABLED=0 $(GO) build -o /dev/null ./cmd/metricstream
	GOOS=darwin GOARCH=arm64 $(GO) vet ./...

.PHONY: bench
bench: ## Run the Go benchmarks once
	GOAMD64=$(NATIVE_AMD64) $(GO) test -run '^$$' -bench . -benchmem ./...

# Passes a variable on as a flag of the lab, if it is set.
flag = $(if $($(1)),--$(2)='$($(1))')

.PHONY: bench-compare
bench-compare: lab ## Tell which JSON engine to use: at most 10 minutes, into results/ (QUICK=1 for a look)
	@GOAMD64=$(NATIVE_AMD64) ./bin/lab compare $(call flag,ENGINES,engines) $(call flag,BASE_ENGINE,base) \
		$(call flag,PAYLOAD,payload) $(call flag,PAYLOADS,payloads) $(call flag,LEVELS,levels) $(call flag,ROUNDS,rounds) \
		$(call flag,OUT,out) $(if $(QUICK),--quick) $(if $(FULL),--full)

.PHONY: bench-gate
bench-gate: lab ## Fail if the working tree is slower than BASE=<git ref>, or allocates more
	@GOAMD64=$(NATIVE_AMD64) ./bin/lab gate $(call flag,BASE,base) $(call flag,ENGINES,engines) $(call flag,PAYLOADS,payloads) \
		$(call flag,ROUNDS,rounds)

.PHONY: lab
lab:
	@GOAMD64=$(NATIVE_AMD64) $(GO) build -o bin/lab ./cmd/lab

.PHONY: test-browser
test-browser: ## Look at the lab's report in headless Chromium; its pictures are bin/report-*.png
	@mkdir -p bin
	PICTURES=$(CURDIR)/bin $(GO) test -count=1 -tags browser -run Browser ./cmd/lab

.PHONY: clean
clean: ## Remove what was built (data/ stays)
	rm -rf bin coverage
