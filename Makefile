# What the targets need besides Go is pinned in .tools and built by Go itself.
GO    ?= go
TOOL  := $(GO) tool -modfile=.tools
LINT  := $(TOOL)/lint/go.mod golangci-lint
BUF   := $(TOOL)/buf/go.mod buf
FUZZTIME ?= 30s
# The race detector needs a C compiler.
RACE  ?= $(shell command -v "$$($(GO) env CC)" >/dev/null 2>&1 && echo -race)

.DEFAULT_GOAL := help
.PHONY: help build demo test bench fuzz lint fmt generate clean

help: ## Show the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## Build hyundai-plugin and host-demo into bin/
	$(GO) build -o bin/ ./cmd/...

demo: build ## Run the whole system, live, on embedded parts (Ctrl-C ends it)
	@bin/host-demo $(ARGS)

test: ## Run all tests, with the race detector
	@[ -n "$(RACE)" ] || echo "no C compiler here: testing without the race detector"
	$(GO) test $(RACE) -timeout 10m ./...
	$(if $(RACE),$(GO) test -run '^TestThousand' ./host)

bench: build ## Measure the service under load beside its yardsticks, and then the parts
	bin/host-demo bench --json bin/bench.json $(ARGS)
	$(GO) test -run '^$$' -bench . -benchtime 2s ./...

fuzz: ## Fuzz every parser for FUZZTIME (30s)
	@for target in $$(grep -rhoE --include='*_test.go' '^func Fuzz[A-Za-z0-9]+' . | sed 's/func //' | sort -u); do \
		pkg=$$(grep -rlE --include='*_test.go' "^func $$target\b" . | head -1 | xargs dirname); \
		echo "$$pkg $$target"; $(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x $$pkg || exit 1; \
	done

lint: ## Check formatting, imports and style
	$(LINT) run ./...
	$(BUF) lint --config .buf.yaml

fmt: ## Format the code
	$(LINT) fmt ./...

generate: ## Generate code and documents from the schema
	$(BUF) generate --config .buf.yaml --template .buf.gen.yaml
	$(GO) run ./shared/internal/docgen

clean: ## Remove what was built
	rm -rf bin
