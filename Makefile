# The targets are short names; the work is done by go and scripts/.

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null)
LDFLAGS := -s -w -X main.version=$(VERSION)

.PHONY: build demo check fast test test-asterisk bench fuzz prompts generate console clean

build: ## static binary in bin/
	CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o bin/dialwright ./cmd/dialwright

demo: ## a server with two phones on loopback, one call through each door
	go run ./cmd/dialwright demo

check: ## everything that CI runs
	bash scripts/check

fast: ## the checks that take a minute
	bash scripts/check fast

test:
	go test ./...

test-asterisk: ## the same dialplan, call files and ARI clients on a real Asterisk 22 and on ours; needs root and debootstrap
	DIALWRIGHT_ASTERISK_ROOT="$$(scripts/asterisk-root)" go test -count=1 -tags asterisk -v -timeout 20m ./test/asterisk

bench: ## the figures of docs/performance.md
	bash scripts/bench

FUZZTIME ?= 5m
fuzz: ## every fuzz target for FUZZTIME each
	bash scripts/fuzz $(FUZZTIME)

prompts: ## speak scripts/prompts.txt again; needs espeak-ng and sox
	bash scripts/prompts

generate:
	go generate ./...

console: ## build internal/console/dist from its sources; needs Node and npm
	cd internal/console/web && npm ci --ignore-scripts && npm run types && npm run check && npm run test && npm run build

clean:
	rm -rf bin
