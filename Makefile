# On a fresh machine `make run` shows the job, `make shell` is for trying it by hand, `make test` checks it.
.PHONY: run shell test lint static instructions docs bench fuzz trust package package-test image image-test manifests

# The build without C libraries, of all that has one.
pure = -p chainkeeper -p chainkeeper-nft -p chainkeeper-conntrack --no-default-features --features chainkeeper/pure

run: ## build, then apply, break, diff, repair and remove in a namespace of its own
	@scripts/setup run
	cargo build --release
	@scripts/in-namespace scripts/tour target/release/chainkeeper

# Nothing of the host is read, remembered or asked; with a backend, since no kubelet has left a hint in there.
shell: ## a shell in a namespace of its own, with chainkeeper in its PATH
	@scripts/setup run
	cargo build --release
	@scripts/in-namespace env PATH="$$PWD/target/release:$$PATH:/usr/sbin:/sbin" CHAINKEEPER_BACKEND=nft CHAINKEEPER_CONFIG=none \
		CHAINKEEPER_STATE_FILE=none CHAINKEEPER_SOCKET="$$PWD/target/shell.sock" $${SHELL:-sh} || :

test: ## every test, then again with the encoder that has no C library
	@scripts/setup test
	@scripts/other-iptables
	@scripts/promtool
	@scripts/in-namespace cargo nextest run --workspace --exclude chainkeeper-containers --exclude chainkeeper-bench --all-features --no-fail-fast
	@scripts/in-namespace cargo nextest run $(pure) --no-fail-fast

lint: ## rustfmt, clippy and rustdoc with warnings denied, licences, advisories where reachable
	@scripts/setup lint
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --all-features --quiet -- -D warnings
	cargo clippy $(pure) --all-targets --quiet -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --all-features --quiet
	@scripts/deny

static: ## the static binary without C libraries, and its size
	@scripts/setup static
	@scripts/static

package: ## .deb (lintian clean) and .rpm, into target/packages
	@scripts/setup package
	@scripts/package

package-test: ## the .deb under a real systemd: install, start, upgrade, purge (Debian, root)
	@scripts/setup package
	@scripts/package-test

image: ## the container images and their SBOMs, into target/image; sizes are printed (Debian, root)
	@scripts/setup image
	@scripts/image

image-test: ## the images in podman, Docker and containerd, each joined to a namespace (Debian, root)
	@scripts/setup image-test
	@scripts/image-test

manifests: ## packaging/kubernetes: every combination built, held to Kubernetes' schemas and to its rights
	@scripts/setup manifests
	@scripts/manifests

docs: ## write docs/reference.md, metrics.md and the messages of operating.md from the program's own tables
	UPDATE_DOCS=1 cargo nextest run --test host reference

instructions: ## what a first apply and an idle pass cost, held without a clock: instructions and system calls
	@scripts/setup instructions
	@scripts/instructions

bench: ## beside what a user would run instead, in a quarter of an hour; BENCH="idle --quick" for a part of it
	@scripts/setup bench
	@scripts/static
	cargo build --release --quiet -p chainkeeper -p chainkeeper-bench
	@scripts/in-namespace target/release/chainkeeper-bench --static target/*-linux-*/release/chainkeeper $(BENCH)

fuzz: ## libFuzzer on everything that reads others' words, FUZZ_SECONDS (30) in all
	@scripts/setup fuzz
	@scripts/fuzz $${FUZZ_SECONDS:-30}

trust: ## every promise attacked by something real (Debian, root); TRUST="--short", TRUST="--minutes 30 races", TRUST="--docs"
	@TRUST="$(TRUST)" scripts/setup trust
	@scripts/other-iptables
	@scripts/trust $(TRUST)
