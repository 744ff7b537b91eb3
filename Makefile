# What a developer or a pipeline runs. Everything that a target builds stays inside target/.
# `make demo` and `make test` need the Rust toolchain and nothing else.

CARGO ?= cargo
NODEBAKE := target/release/nodebake
DEMO := target/demo

# The oracles that `make oracles` could not install as packages come first, for tests and for what tests start.
export PATH := $(CURDIR)/target/oracles/bin:$(PATH)
# One place for what is built, whatever the developer's own settings are: the oracles are looked for beside it.
export CARGO_TARGET_DIR := $(CURDIR)/target

.DEFAULT_GOAL := help
.PHONY: help approver approver-replay image build demo oracles test lint check needs conformance facts clusters engine suite versions boots replay vms kubeadm drill fuzz golden bench install clean

help: ## Say what there is to make
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' $(MAKEFILE_LIST) | while IFS='|' read -r name what; do printf '  make %-12s %s\n' "$$name" "$$what"; done

build: ## Build the tool: target/release/nodebake
	$(CARGO) build --release --locked

approver: ## Build the approver, which runs in clusters: target/release/nodebake-approver
	$(CARGO) build --release --locked --features approver --bin nodebake-approver

image: ## Build the approver's image as an OCI layout, from scratch and reproducible: target/image
	@src/bin/nodebake-approver/image.sh

demo: build ## Bake the reference cluster into target/demo/out and say how to look at it
	@sh tests/demo.sh $(NODEBAKE) tests/fixtures/reference $(DEMO)

oracles: ## Install the outside programs that the tests ask, where that is possible
	@sh tests/oracle/install.sh

# The suite comes last: its end counts what ran and what was not asked.
test: oracles ## Run all tests and count those that could not be asked here; with CI=true a missing oracle is a failure
	$(CARGO) test --locked --lib --bins
	$(CARGO) test --locked --doc
	$(CARGO) test --locked --features approver --bin nodebake-approver
	$(CARGO) test --locked --test suite

lint: ## Check the format, clippy with warnings denied, and the dependencies: licences, sources, duplicates, known vulnerabilities
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --all-targets -- -D warnings
	$(CARGO) clippy --locked --features approver --bin nodebake-approver --tests -- -D warnings
	@sh tests/oracle/supply_chain.sh

check: lint test ## What a change must pass: lint and test

# Kubelets of the clusters' two versions, and those of seven minors that `versions` asks; each is built in some minutes once.
CLUSTERS := v1.16.6 v1.34.4
# A cluster of kubeadm's, and the next minor, which it is upgraded to.
KUBEADM_FROM := v1.33.13
KUBEADM_TO := v1.34.4
# Its etcd, whose tag tests/oracle/replay/kubeadmcluster.go tells kubeadm.
ETCD := v3.5.23
# DROP_INS has --config-dir first, and takes the place of v1.27.8 where kubelets start.
DROP_INS := v1.28.15
# Those whose function for static pods is asked.
STATIC_PODS := v1.20.15 v1.28.15 v1.34.4 v1.35.4 v1.37.2
# Those whose kube-proxy is asked; the first one beside a real API server, which is built for the clusters.
KUBE_PROXIES := v1.34.4 v1.20.15 v1.37.2
KUBELETS := v1.16.6 v1.20.15 v1.24.17 v1.27.8 v1.31.4 v1.34.4 v1.37.2

needs:
	@sh tests/oracle/needs.sh

conformance: needs ## Let baked nodes join real clusters of two versions, and ask upstream's types, flags and rules, two kubelets and the newest Ignition (needs root, Go, a module proxy, cgroup v1). FULL=1: three nodes of every format, and then versions, boots and drill
	@sh tests/oracle/install.sh conformance
	$(MAKE) --jobs=3 facts clusters engine build suite
	NODEBAKE_SUMMARY=$(CURDIR)/target/conformance/suite.txt NODEBAKE_CONFORMANCE=1 KUBELETS="$(CLUSTERS)" $(CARGO) test --locked --test suite -- assets:: boot_formats formats::ignition kubernetes::reserved kubelet_rules kubelet_start kubelets separate
	tests/oracle/replay/run.sh $(NODEBAKE) $(if $(FULL),-full)
	$(MAKE) vms
	$(MAKE) kubeadm
	$(MAKE) approver-replay
ifdef FULL
	tests/oracle/replay/readme.sh target/conformance/replay.md
	tests/oracle/replay/readme.sh target/conformance/vms.md
	$(MAKE) versions boots drill
endif
	@cat target/conformance/suite.txt

# What these targets are built of. `conformance` makes them side by side: downloads, linkers and the last of many compilers leave cores idle.
# GOGC: a compiler with more memory spends a sixth less time.
facts:
	@mkdir -p target/conformance
	cd tests/oracle/kubelet-facts && go vet . && go run . -out $(CURDIR)/target/conformance/kubelet_config.json -starts $(CURDIR)/target/conformance/kubelet_starts.txt -pods $(CURDIR)/target/conformance/pod.json -containerd $(CURDIR)/target/conformance/containerd.json
	cmp target/conformance/kubelet_config.json src/kubernetes/kubelet_config.json
	cmp target/conformance/containerd.json src/kubernetes/containerd.json
	cmp target/conformance/pod.json src/kubernetes/pod.json
	cmp target/conformance/kubelet_starts.txt tests/fixtures/kubelet-start/sites.txt

clusters:
	GOGC=400 tests/oracle/replay/build.sh kubelet-config

engine:
	GOGC=400 tests/oracle/ignition/build.sh target/oracles/bin engine

suite:
	$(CARGO) test --locked --test suite --no-run

versions: needs build ## Ask the oracles of other versions: kubelets of seven minors, NodeRestriction, kube-proxy, cloud-init 20.4, containerd 1.3, 1.4 and 2, coreos-installer
	@sh tests/oracle/install.sh versions
	$(MAKE) clusters
	for version in $(KUBELETS); do GOGC=400 tests/oracle/kubernetes/build.sh $$version target/oracles/kubernetes/$$version kubelet kubelet-config || exit 1; done
	GOGC=400 tests/oracle/kubernetes/build.sh $(DROP_INS) target/oracles/kubernetes/$(DROP_INS) kubelet
	for version in $(KUBE_PROXIES); do GOGC=400 tests/oracle/kubernetes/build.sh $$version target/oracles/kubernetes/$$version kube-proxy || exit 1; done
	for version in $(STATIC_PODS); do GOGC=400 tests/oracle/kubernetes/build.sh $$version target/oracles/kubernetes/$$version static-pod || exit 1; done
	tests/oracle/coreos-installer/build.sh 0.27.0 target/oracles/bin/coreos-installer
	cd tests/oracle/node-restriction && go vet . && CGO_ENABLED=0 go build -trimpath -buildvcs=false -o $(CURDIR)/target/oracles/bin/node-restriction .
	NODEBAKE_CONFORMANCE=1 NODEBAKE_VERSIONS=1 KUBELETS="$(KUBELETS)" $(CARGO) test --locked --test suite -- assets:: first_boot formats::ignition::coreos kubernetes::reserved kubelet_rules kubelet_start kubelets node::host node_restriction static_pods struct_merge

boots: ## Boot Debian's kernel in QEMU with our overlays, from a seed.iso and from a config.ign (needs root). FULL=1: every base initrd with every compression
	@sh tests/oracle/install.sh boots
	NODEBAKE_BOOTS=1 $(CARGO) test --locked --test suite -- boot::

replay: needs ## Only the real clusters of `conformance`: baked nodes join them, step by step
	@sh tests/oracle/install.sh conformance
	$(MAKE) --jobs=3 clusters engine build
	tests/oracle/replay/run.sh $(NODEBAKE) $(if $(FULL),-full)

approver-replay: needs build approver ## Let the approver decide all requests of a real cluster: nodes, attackers, faults, rights, load (a part of `conformance`; needs root)
	@sh tests/oracle/install.sh conformance
	VERSIONS=v1.34.4 $(MAKE) clusters engine
	VERSIONS=v1.34.4 tests/oracle/replay/run.sh $(NODEBAKE) -approver target/release/nodebake-approver -work target/conformance/approver -table target/conformance/approver.md

vms: needs build ## Boot virtual machines from payloads alone, with no network, each to a Ready node with a pod (a part of `conformance`; needs root)
	@sh tests/oracle/install.sh vms
	VERSIONS=v1.34.4 tests/oracle/replay/run.sh $(NODEBAKE) -vms -work target/conformance/vms -table target/conformance/vms.md

kubeadm: needs build ## Go the whole way into a cluster that kubeadm makes: init, join, import, two nodes more, upgrades (a part of `conformance`)
	@sh tests/oracle/install.sh conformance
	VERSIONS=$(KUBEADM_TO) $(MAKE) clusters
	GOGC=400 tests/oracle/kubernetes/build.sh $(KUBEADM_TO) target/oracles/kubernetes/$(KUBEADM_TO) kubeadm kube-scheduler
	GOGC=400 tests/oracle/kubernetes/build.sh $(KUBEADM_FROM) target/oracles/kubernetes/$(KUBEADM_FROM) kubeadm kubelet kube-apiserver kube-controller-manager kube-scheduler
	tests/oracle/etcd/build.sh $(ETCD) target/oracles/etcd/etcd
	VERSIONS=$(KUBEADM_TO) tests/oracle/replay/run.sh $(NODEBAKE) -kubeadm $(KUBEADM_FROM) -work target/conformance/kubeadm -table target/conformance/kubeadm.md

drill: needs ## Interrupt runs of `replay` and `vms` in every way, and see that each leaves the machine as it was
	@sh tests/oracle/install.sh conformance
	@sh tests/oracle/install.sh vms
	$(MAKE) --jobs=3 clusters engine build
	tests/oracle/replay/run.sh $(NODEBAKE) -drill
	VERSIONS=v1.34.4 tests/oracle/replay/run.sh $(NODEBAKE) -drill -vms -work target/conformance/vms

fuzz: oracles ## Mutate good input for longer than the tests do: ROUNDS of each target; TARGET is inspect, project, bundle, requests, tables, tokens, authorities, templates, keys, import, clusters, append or diff; SEED is another number each time
	NODEBAKE_FUZZ_ROUNDS=$(or $(ROUNDS),20000) NODEBAKE_FUZZ_SEED=$(or $(SEED),$$(date +%s)) $(CARGO) test --locked --test suite -- fuzz::$(TARGET)

golden: build ## Record golden folders, bad input and --help again; the run fails, look at `git diff`, then test
	NODEBAKE_GOLDEN=record $(CARGO) test --locked --test suite -- golden help_is_as_recorded bad_input

bench: ## Measure builds of 1,000 and 10,000 nodes beside the procedure's own tools
	$(CARGO) bench --locked --bench scale

install: ## Install the tool for this user
	$(CARGO) install --locked --path .

clean: ## Remove everything that was built
	$(CARGO) clean
