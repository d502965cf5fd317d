# data-connector. "make" alone prints this list.

GOLANGCI_LINT := v2.12.2
GOVULNCHECK   := v1.9.0

tools := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/data-connector-dev/bin
lint  := $(tools)/golangci-lint-$(GOLANGCI_LINT)

# Findings are remembered with the paths of the checkout that they were found in.
export GOLANGCI_LINT_CACHE := $(CURDIR)/bin/lint-cache

.DEFAULT_GOAL := help
.PHONY: help build run test test-race lint fmt vet verify services-up services-down bench chaos consumers fuzz fuzz-api vuln clean

help: ## print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## build bin/data-connector
	go build -o bin/data-connector ./cmd/data-connector

run: build ## start a service of its own and connect a folder: SOURCE=/path (default: this checkout), DATA=.data
	@deploy/dev/run

test: ## start real servers if need be and run all tests (RACE=1, REQUIRE_REAL=1)
	@deploy/dev/test

test-race: ## the same with the race detector
	@RACE=1 deploy/dev/test

lint: $(lint) ## run the linters of .golangci.yml
	$(lint) run

fmt: $(lint) ## format all Go code
	$(lint) fmt

vet: ## run go vet
	go vet ./...

verify: vet lint test-race ## all that CI checks (lint checks the format too)

consumers: ## run the Go, Python and Node consumers of docs/consumers against real topics (needs python3, npm)
	@docs/consumers/run

bench: build ## measure speed and memory on real servers: FIGURES=regex, DOCS=1 rewrites docs/benchmarks.md
	@go run ./cmd/bench -figures '$(FIGURES)' $(if $(DOCS),-docs docs/benchmarks.md)

chaos: ## break things under a running service: FAULTS=regex, SEED=n, OUTAGE=60s, DELIVERIES=n, DOCS=1 rewrites their part of docs/benchmarks.md
	go test -c -o bin/chaos-service ./cmd/data-connector
	@go run ./cmd/chaos -faults '$(FAULTS)' $(if $(SEED),-seed $(SEED)) $(if $(OUTAGE),-outage $(OUTAGE)) $(if $(DELIVERIES),-deliveries $(DELIVERIES)) $(if $(DOCS),-docs docs/benchmarks.md)

fuzz: ## run each fuzz target for FUZZTIME (default 2m)
	@deploy/dev/fuzz

fuzz-api: build ## send hostile requests (schemathesis) to a service of its own
	@deploy/dev/fuzz-api

services-up: ## start Kafka, PostgreSQL and Redis for development, on loopback
	@deploy/dev/services up
	@deploy/dev/services env

services-down: ## stop them
	@deploy/dev/services down

vuln: ## look for known vulnerabilities (needs the Go vulnerability database)
	go run golang.org/x/vuln/cmd/govulncheck@$(GOVULNCHECK) ./...

clean: ## delete what was built
	rm -rf bin

$(lint):
	@echo "building golangci-lint $(GOLANGCI_LINT), once"
	@mkdir -p $(tools)/new
	@GOFLAGS= GOBIN=$(tools)/new go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_LINT)
	@mv $(tools)/new/golangci-lint $@
