# weir: how it is built, run and checked. `make` alone prints what there is.
# Written for GNU Make 3.81 (macOS) and newer, and for any POSIX sh.

.DEFAULT_GOAL := help
SHELL := /bin/sh
.SUFFIXES:

STAMPS  := .build
CONSOLE := dashboards/console
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)

# purego loads the engine without cgo, and every other dependency is pure Go: one toolchain is enough.
export CGO_ENABLED := 0

# TAGS=hugot builds in local embedding models, see docs/rag.md; more are separated by commas.
TAGS ?=

GO_BUILD_FLAGS := -trimpath -tags "$(TAGS)" -ldflags "-s -w -X main.version=$(VERSION)"
GOLANGCI_LINT  := $(STAMPS)/bin/golangci-lint
GOFUMPT        := $(STAMPS)/bin/gofumpt
HELM           := $(STAMPS)/bin/helm
MANIFESTS      := $(STAMPS)/bin/manifests

# Every folder that has a lock file gets its node_modules from it.
NPM_LOCKS   := $(patsubst ./%,%,$(shell find . -name node_modules -prune -o -name .git -prune -o -name .build -prune -o -name package-lock.json -print))
NPM_FOLDERS := $(patsubst %/package-lock.json,%/node_modules/.package-lock.json,$(NPM_LOCKS))

CONSOLE_SOURCES := $(shell find $(CONSOLE) -name node_modules -prune -o -path $(CONSOLE)/dist -prune -o -type f ! -name '*.go' -print 2>/dev/null)

# $(call fetch_engine,WEIR): the library comes by npm; a server, or a library named by hand, makes it unnecessary.
fetch_engine = if [ -n "$$WEIR_CLICKHOUSE_URL" ]; then echo "weir: no engine library fetched, WEIR_CLICKHOUSE_URL names a server"; \
	elif [ -n "$$WEIR_ENGINE_LIB" ]; then echo "weir: no engine library fetched, WEIR_ENGINE_LIB names one"; \
	else sh tools/need.sh node && $(1) engine fetch; fi

##@ Run

.PHONY: run
run: build ## build what is missing and start `weir demo` (ARGS="--seed 7" are passed on)
	./bin/weir demo $(ARGS)

.PHONY: compose-up
compose-up: compose-env ## start the whole stack in Docker: weir, ClickHouse, Qdrant, Grafana, Prometheus
	@sh tools/need.sh docker
	WEIR_VERSION="$(VERSION)" docker compose up --build --detach --wait
	@echo "weir:    http://127.0.0.1:4000   (admin token: WEIR_ADMIN_TOKEN in .env)"
	@echo "grafana: http://127.0.0.1:3000   (user admin, password: GRAFANA_ADMIN_PASSWORD in .env)"

.PHONY: compose-env
compose-env: ## write random passwords for the stack into .env, where they are missing
	@sh tools/compose-env.sh .env

.PHONY: compose-down
compose-down: ## stop the stack; its volumes are kept
	docker compose down

##@ Build

.PHONY: build
build: console ## build bin/weir with the console built in, and put the engine library in place
	@sh tools/need.sh go
	@mkdir -p bin
	go build $(GO_BUILD_FLAGS) -o bin/weir ./cmd/weir
	@$(call fetch_engine,./bin/weir)

.PHONY: engine
engine: ## fetch the ClickHouse engine library into the user's cache, when it is not there
	@sh tools/need.sh go
	@$(call fetch_engine,go run ./cmd/weir)

.PHONY: console
console: $(CONSOLE)/dist/index.html ## build the web console's assets, when its sources are newer

$(CONSOLE)/dist/index.html: $(CONSOLE_SOURCES) $(CONSOLE)/node_modules/.package-lock.json
	@sh tools/need.sh node
	cd $(CONSOLE) && npm run --silent build
	@touch $@ $(CONSOLE)/dist/.gitkeep

# npm writes node_modules/.package-lock.json itself; its time says which lock file was installed last.
%/node_modules/.package-lock.json: %/package-lock.json
	@sh tools/need.sh node
	cd $* && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

.PHONY: npm
npm: $(NPM_FOLDERS) ## install the npm packages of every lock file in the tree

.PHONY: clean
clean: ## remove what was built here (the engine library in the user's cache stays)
	rm -rf bin $(STAMPS) $(CONSOLE)/dist
	@mkdir -p $(CONSOLE)/dist && touch $(CONSOLE)/dist/.gitkeep

##@ Test

.PHONY: test-needs
test-needs: console npm engine ## install what the tests need: engine library, npm packages, console, Chromium
	@sh tools/need.sh go
	@sh tools/need.sh chromium

.PHONY: test
test: test-needs ## run the tests (install what they need first)
	cd $(CONSOLE) && npm run --silent check
	go test -timeout 20m ./...

.PHONY: test-faults
test-faults: test-needs ## every fault of docs/reliability.md in its long form, about 45 minutes (KILLS=100 AWAY=10m)
	go test ./cmd/weir -run 'TwoWeirs|NothingIsLost|ReadOnlyDisk|UpstreamFaults|BigAnswers|TestClients|TestThousands|StoryOfAnExperiment' -count=1 -v -timeout 120m -args \
		-kills $(or $(KILLS),100) -away $(or $(AWAY),10m) -departures 5000 -replica-calls 1000 -experiment-users 40000
	go test ./redisdb -count=1 -v -timeout 60m -args -rounds 100

.PHONY: test-browser
test-browser: test-needs ## every flow of the console in a browser: make test only walks through the rooms
	go test ./cmd/weir -run InABrowser -count=1 -timeout 20m -args -browser

.PHONY: test-pages
test-pages: test-needs ## the same, with every state of every page examined: accessibility, both themes, narrow windows (some minutes)
	go test ./cmd/weir -run InABrowser -count=1 -timeout 30m -args -browser -pages

.PHONY: shots
shots: test-needs ## take the pictures of docs/images anew, of a month of the demo
	go test ./cmd/weir -run TestScreenshots -count=1 -timeout 20m -args -update-shots

.PHONY: soak
soak: build ## half an hour of mixed load: memory, goroutines and files must stay flat (ARGS="-soak-rate 100")
	go run ./bench -weir bin/weir -soak $(or $(SOAK),30m) -csv soak.csv -out soak.json $(ARGS)

.PHONY: bench-eval
bench-eval: build ## compare the speed of weir eval score with sacreBLEU's and rouge_score's (needs python3)
	sh tools/bench-eval.sh $(SEGMENTS)

.PHONY: bench
bench: build ## measure weir beside a bare reverse proxy (ARGS="-short" are passed on)
	go run ./bench -weir bin/weir $(ARGS)

.PHONY: test-local
test-local: ## test local embedding models (WEIR_MINILM_DIR=FOLDER of all-MiniLM-L6-v2, else what needs no weights)
	@sh tools/need.sh go
	go vet -tags hugot ./rag/minilm ./cmd/weir
	go test -tags hugot ./rag/minilm -count=1
	go test -tags hugot ./cmd/weir -run Local -count=1

.PHONY: test-race
test-race: test-needs ## run the Go tests under the race detector (needs a C compiler)
	CGO_ENABLED=1 go test -race $(or $(PKG),./...)

##@ Check

.PHONY: check
check: fmt-check lint vet tidy-check generate-check chart-check ## what must hold besides the tests: format, lint, vet, tidy modules, generated files in step, the Helm chart

.PHONY: fmt-check
fmt-check: $(GOFUMPT) ## fail when a Go file is not formatted
	@files=$$(git ls-files --cached --others --exclude-standard '*.go' | while read -r f; do [ -f "$$f" ] && echo "$$f"; done | xargs $(GOFUMPT) -l) || exit 1; \
	if [ -n "$$files" ]; then \
		echo "not formatted, run make fmt:"; echo "$$files"; exit 1; \
	fi

.PHONY: lint
lint: $(GOLANGCI_LINT) ## run golangci-lint with .golangci.yml
	$(GOLANGCI_LINT) run ./...

.PHONY: vet
vet: ## go vet, for this system and for macOS
	@sh tools/need.sh go
	go vet ./...
	GOOS=darwin GOARCH=arm64 go vet ./...

.PHONY: tidy-check
tidy-check: ## fail when go.mod or go.sum (here or in tools/) is not tidy
	@sh tools/need.sh go
	go mod tidy -diff
	cd tools && go mod tidy -diff
	cd tools/helm && go mod tidy -diff

.PHONY: generate-check
generate-check: ## run go generate and fail when a generated file changes
	@sh tools/need.sh go
	@before=$$(git diff | cksum; git ls-files --others --exclude-standard | cksum); \
	go generate ./... || exit 1; \
	after=$$(git diff | cksum; git ls-files --others --exclude-standard | cksum); \
	if [ "$$before" != "$$after" ]; then \
		echo "generated files were stale; go generate has rewritten them, look at them and commit:"; \
		git status --short; exit 1; \
	fi

.PHONY: chart-check
chart-check: $(HELM) $(MANIFESTS) ## lint and render the Helm chart, and hold it against the kinds of Kubernetes
	go test ./deploy -run Chart -count=1 -args -tools ../$(STAMPS)/bin

.PHONY: fmt
fmt: $(GOLANGCI_LINT) ## format every Go file (gofumpt, imports in groups)
	$(GOLANGCI_LINT) fmt ./...

# The tools are pinned in a module of their own, so that theirs stay out of weir's.
$(GOLANGCI_LINT): tools/go.mod tools/go.sum
	@sh tools/need.sh go
	@mkdir -p $(STAMPS)/bin
	@echo "building golangci-lint (a few minutes the first time)"
	cd tools && go build -trimpath -o ../$@ github.com/golangci/golangci-lint/v2/cmd/golangci-lint

$(GOFUMPT): tools/go.mod tools/go.sum
	@sh tools/need.sh go
	@mkdir -p $(STAMPS)/bin
	cd tools && go build -trimpath -o ../$@ mvdan.cc/gofumpt

# Helm brings all of Kubernetes' client with it: a module of its own again.
$(HELM): tools/helm/go.mod tools/helm/go.sum
	@sh tools/need.sh go
	@mkdir -p $(STAMPS)/bin
	@echo "building helm (a few minutes the first time)"
	cd tools/helm && go build -trimpath -o ../../$@ helm.sh/helm/v3/cmd/helm

$(MANIFESTS): tools/helm/go.mod tools/helm/go.sum tools/helm/manifests/main.go
	@sh tools/need.sh go
	@mkdir -p $(STAMPS)/bin
	cd tools/helm && go build -trimpath -o ../../$@ ./manifests

##@ Help

.PHONY: help
help: ## print this
	@awk 'BEGIN { FS = ":.*## " } \
		/^##@ / { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z][a-z-]*:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))
