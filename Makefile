# Development tasks of cupid. `make` alone lists them.

GO ?= go
# What a build says about itself. The date is the commit's, so that two builds are alike.
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
COMMIT ?= $(shell git rev-parse HEAD 2>/dev/null)
DATE ?= $(shell TZ=UTC git log -1 --date=format-local:%Y-%m-%dT%H:%M:%SZ --format=%cd 2>/dev/null)
APP := github.com/masixun71/cupid-go/pkg/app
LDFLAGS := -X $(APP).version=$(VERSION) -X $(APP).commit=$(COMMIT) -X $(APP).date=$(DATE)

# The only place that names the linter's version.
GOLANGCI_LINT_VERSION := v2.15.0
GOLANGCI_LINT := .cache/bin/golangci-lint-$(GOLANGCI_LINT_VERSION)

COMMANDS := scheduler worker cupid
# Modules of their own, with dependencies that the product does not have.
NESTED := $(patsubst %/go.mod,%,$(wildcard examples/*/go.mod))

# Tests wait for servers and time more than they compute, so more of them run at once than there are cores.
TEST_FLAGS ?= -race -shuffle=on -parallel 4
FUZZ_SECONDS ?= 10
CHAOS_SECONDS ?= 60
BENCH ?= .
ROWS ?= 1000000

# The race detector needs cgo; a stray CGO_ENABLED=0 would only say so late.
test cover e2e chaos: export CGO_ENABLED = 1

.DEFAULT_GOAL := help

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

.PHONY: build
build: ## build the programs into bin/
	$(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/ $(COMMANDS:%=./cmd/%)

.PHONY: test
test: test-deps ## run all tests; installs the servers they need where it may
	$(GO) test $(TEST_FLAGS) ./...
	@set -e; for module in $(NESTED); do \
		echo "$(GO) test $(TEST_FLAGS) ./... # in $$module"; \
		$(GO) -C $$module test $(TEST_FLAGS) ./...; \
	done

.PHONY: test-short
test-short: ## run the tests that need no server
	$(GO) test -short -shuffle=on ./...

.PHONY: test-deps
test-deps: ## install what the tests need, if anything is missing
	@sh scripts/install-test-deps

.PHONY: e2e
e2e: test-deps ## run the built programs against real servers
	$(GO) test -race -tags e2e -count=1 -timeout 20m ./test/e2e

.PHONY: chaos
chaos: test-deps ## kill, pause and cut everything for CHAOS_SECONDS
	CHAOS_SECONDS=$(CHAOS_SECONDS) $(GO) test -race -tags chaos -count=1 -timeout $$(($(CHAOS_SECONDS) + 1800))s ./test/chaos/...

.PHONY: base-images
base-images: ## see that the images under docker-compose.yml are there; build stand-ins where no registry is
	@scripts/base-images

.PHONY: image
image: ## build the container image cupid
	docker build -f deploy/Dockerfile --build-arg GOPROXY='$(shell $(GO) env GOPROXY)' \
		--build-arg VERSION='$(VERSION)' --build-arg COMMIT='$(COMMIT)' --build-arg DATE='$(DATE)' -t cupid .

.PHONY: e2e-compose
e2e-compose: base-images ## run docker-compose.yml on a Docker engine and break its containers
	GOPROXY='$(shell $(GO) env GOPROXY)' $(GO) test -tags compose -count=1 -timeout 30m -v ./test/compose

.PHONY: manifests
manifests: ## check the Kubernetes manifests and the compose file with their own parsers, the systemd units and the rules for Prometheus
	$(GO) -C test/manifests test ./...
	@scripts/verify-units
	@scripts/verify-rules

.PHONY: release
release: ## build archives for all systems, SBOMs and SHA256SUMS into dist/
	rm -rf dist
	scripts/release '$(VERSION)' '$(COMMIT)' '$(DATE)' dist
	@ls -l dist

.PHONY: reproducible
reproducible: ## show that a release is the same whichever folder it is built in
	@scripts/reproducible

.PHONY: licences
licences: ## check the licences of everything in the programs
	@scripts/licences

.PHONY: vulnerabilities
vulnerabilities: ## ask Go's vulnerability database about everything in the programs
	@scripts/vulnerabilities

.PHONY: fuzz
fuzz: ## run each fuzz target for FUZZ_SECONDS
	@set -e; for dir in $$($(GO) list -f '{{.Dir}}' ./...); do \
		for target in $$(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(.*/\1/p' "$$dir"/*_test.go 2>/dev/null); do \
			$(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZ_SECONDS)s "$$dir"; \
		done; \
	done

.PHONY: bench
bench: test-deps ## measure against the database's own limit, with ROWS rows on each side and CALLBACKS callbacks
	ROWS=$(ROWS) $(GO) test -tags bench -run '$(BENCH)' -count=1 -timeout 60m -v ./test/bench

.PHONY: cover
cover: test-deps ## show the tests' coverage, by function and in coverage/index.html
	@mkdir -p coverage
	$(GO) test -race -coverpkg ./pkg/... -coverprofile coverage/profile ./...
	$(GO) tool cover -html coverage/profile -o coverage/index.html
	$(GO) tool cover -func coverage/profile | tail -n 1

.PHONY: lint
lint: $(GOLANGCI_LINT) ## check formatting, vet, style and the imports between packages
	$(GOLANGCI_LINT) fmt --diff
	$(GO) vet -tags 'e2e chaos bench compose' ./...
	$(GOLANGCI_LINT) run --allow-serial-runners ./...
	@set -e; for module in $(NESTED) test/manifests; do \
		echo "$(GO) vet ./... # in $$module"; \
		$(GO) -C $$module vet ./...; \
	done

.PHONY: fmt
fmt: $(GOLANGCI_LINT) ## format the code
	$(GOLANGCI_LINT) fmt

$(GOLANGCI_LINT):
	@mkdir -p $(@D)
	GOBIN='$(abspath $(@D))/install' $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_LINT_VERSION)
	mv $(@D)/install/golangci-lint $@

.PHONY: tidy-check
tidy-check: ## fail if go.mod or go.sum are not tidy
	$(GO) mod tidy -diff
	@set -e; for module in $(NESTED) test/manifests; do $(GO) -C $$module mod tidy -diff; done

.PHONY: verify
verify: tidy-check test lint e2e manifests licences ## everything a change must pass, as CI does

.PHONY: clean
clean: ## remove what was built here
	rm -rf bin coverage dist
