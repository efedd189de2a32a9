# What the targets need besides Go is pinned in .tools and built by Go itself.
GO    ?= go
TOOL  := $(GO) tool -modfile=.tools
LINT  := $(TOOL)/lint/go.mod golangci-lint
BUF   := $(TOOL)/buf/go.mod buf
SUM   := $(TOOL)/gotestsum/go.mod gotestsum --format pkgname-and-test-fails --format-hide-empty-pkg --hide-summary skipped
FUZZTIME ?= 30s
# What make soak runs. The race detector looks at them in make test.
CAMPAIGNS := ^(TestThousandKillsLeaveNothingBehind|TestHostilePlugins|TestUpdates|TestWhatEndsWithTheDrainIsAnswered|TestCallsDuringUpgrades|TestStraysOfACrashedProcessGo|TestTenThousandCommands|TestConsecutiveCommands|TestBurstOfCommands|TestBench|TestAYearOfTheEngine|TestAYear)$$
# The race detector needs a C compiler.
RACE  ?= $(shell command -v "$$($(GO) env CC)" >/dev/null 2>&1 && echo -race)
# It makes Go's own P-521, of which each start of a plugin takes a lot, ten times
# slower, and has nothing to find there.
RACEFLAGS = $(RACE) $(if $(findstring -race,$(RACE)),-gcflags=crypto/internal/fips140/...=-race=false)

# The slowest first, so that none is waited for at the end.
PACKAGES := ./cmd/host-demo ./host ./sdk ./sdk/internal/gate ./plugin/europe ./cmd/hyundai-plugin ./host/mqtt ./...
# Most tests of processes wait; none measures time. A test that hangs for
# shared/await's limit still says what for.
TESTFLAGS := -timeout 15m -parallel 8
ROUNDS ?= 10
REV   ?= HEAD~1
BENCH ?= .

.DEFAULT_GOAL := help
.PHONY: help build demo test soak stress bench bench-compare fuzz lint fmt generate clean executable

help: ## Show the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## Build hyundai-plugin and host-demo (also called hyundai-hub) into bin/
	$(GO) build -o bin/ ./cmd/...
	@ln -f bin/host-demo bin/hyundai-hub
	@cd bin && { sha256sum hyundai-plugin || shasum -a 256 hyundai-plugin; } > hyundai-plugin.sha256 2>/dev/null || rm -f hyundai-plugin.sha256

demo: build ## Run the whole system, live, on embedded parts (Ctrl-C ends it)
	@bin/host-demo --demo $(ARGS)

test: executable ## Run all tests, with the race detector
	@[ -n "$(RACE)" ] || echo "no C compiler here: testing without the race detector"
	$(SUM) $(SUMFLAGS) --packages "$(PACKAGES)" -- $(RACEFLAGS) $(TESTFLAGS)

soak: executable ## Run the long campaigns: a thousand kills, ten thousand commands, a year
	SOAK=1 YEAR_DAYS=92 YEAR_SEED=2 $(SUM) $(SUMFLAGS) --packages "./cmd/host-demo ./host ./sdk ./sdk/internal/gate" -- \
		$(TESTFLAGS) -count=1 -run '$(CAMPAIGNS)'

stress: executable ## Run all tests ROUNDS (10) times beside a load on all cores
	.tools/stress $(ROUNDS)

# Go itself runs tests from where temporary files are.
executable:
	@f=$$(mktemp) && printf '#!/bin/sh\n' >"$$f" && chmod +x "$$f" && if "$$f" 2>/dev/null; then rm "$$f"; else rm "$$f"; \
		echo "Programs may not be run from $${TMPDIR:-/tmp} (noexec): set TMPDIR to a directory where they may." >&2; exit 1; fi

bench: build ## Measure the service under load beside its yardsticks, and then the parts
	bin/host-demo bench --json bin/bench.json $(ARGS)
	$(GO) test -run '^$$' -bench . -benchtime 2s ./...

bench-compare: ## Compare the benchmarks BENCH (all) of the parts with those of revision REV (HEAD~1), ROUNDS (10) times
	.tools/compare $(REV) $(ROUNDS) '$(BENCH)'

fuzz: ## Fuzz every parser for FUZZTIME (30s)
	@for target in $$(grep -rhoE --include='*_test.go' '^func Fuzz[A-Za-z0-9]+' . | sed 's/func //' | sort -u); do \
		pkg=$$(grep -rlE --include='*_test.go' "^func $$target\b" . | head -1 | xargs dirname); \
		echo "$$pkg $$target"; $(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x $$pkg || exit 1; \
	done

lint: ## Check formatting, imports and style
	$(LINT) run ./...
	@! grep -rnE --include='*_test.go' 'NotContains\(.*"[0-9.,:]{1,7}"[,)]' . || \
		{ echo "a number as short as this stands in a log by chance: use shared/redact/redacttest"; exit 1; }
	$(BUF) lint --config .buf.yaml

fmt: ## Format the code
	$(LINT) fmt ./...

generate: ## Generate code and documents from the schema
	$(BUF) generate --config .buf.yaml --template .buf.gen.yaml
	$(GO) run ./shared/internal/docgen
	$(GO) run ./host/mqtt/internal/asyncapi
	$(GO) run ./shared/internal/apidoc
	$(GO) run ./cmd/host-demo config schema > docs/hub.schema.json
	$(GO) run ./cmd/host-demo config list --markdown > docs/settings.md

clean: ## Remove what was built
	rm -rf bin
