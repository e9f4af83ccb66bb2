# The commands of the project; Meson does the building. `make run` and `make test` install what they need.

BUILD = build
SANITIZED = build-asan
THREADED = build-tsan
SERVER = $(BUILD)/src/cli/isthmus

all: $(BUILD)/build.ninja
	ninja -C $(BUILD)

$(BUILD)/build.ninja:
	meson setup $(BUILD) --buildtype=release -Db_lto=true

$(SANITIZED)/build.ninja:
	meson setup $(SANITIZED) --buildtype=debugoptimized -Db_sanitize=address,undefined -Db_lundef=false

$(THREADED)/build.ninja:
	meson setup $(THREADED) --buildtype=debugoptimized -Db_sanitize=thread -Db_lundef=false

# The server and the modules that it loads when it needs them.
server: $(BUILD)/build.ninja
	ninja -C $(BUILD) server

run:
	tools/install-packages.sh
	$(MAKE) server
	@echo 'Try in another terminal:'
	@echo '    dig @127.0.0.1 -p 1053 www.example.org A'
	@echo '    dig @127.0.0.1 -p 1053 router.home.arpa A'
	@echo '    dig @127.0.0.1 -p 1053 example.com MX'
	@echo 'Metrics: http://127.0.0.1:9153/metrics   Health: http://127.0.0.1:8080/health'
	cd examples/quickstart && exec ../../$(SERVER) -conf Corefile

test:
	tools/install-packages.sh test
	$(MAKE) $(SANITIZED)/build.ninja
	ninja -C $(SANITIZED)
	tests/run $(SANITIZED)

# The unit tests and the conformance cases with two threads watching each other.
test-threads: $(THREADED)/build.ninja
	ninja -C $(THREADED)
	tests/run $(THREADED) unit conformance

# Lookups in random zones beside NSD's and Knot's; SEEDS says which zones.
SEEDS = 1 2 3
differential: server
	tools/install-packages.sh test
	for seed in $(SEEDS); do /usr/bin/python3 tests/integration/differential.py $(SERVER) --seed $$seed || exit 1; done

# What depends on the machine, on another one.
test-aarch64:
	tools/install-packages.sh all
	$(MAKE) -C tests/aarch64

prove:
	tools/install-packages.sh all
	$(MAKE) -C tests/prove -j2

fuzz:
	tools/install-packages.sh all
	tests/fuzz/run

lint:
	tools/install-packages.sh all
	tools/lint

bench: server
	tools/install-packages.sh all
	ninja -C $(BUILD) tests/quic_client
	python3 tests/bench/peers.py --server $(SERVER) $(BENCH_ARGS)

docs: server
	tools/write-docs $(SERVER)

clean:
	rm -rf $(BUILD) $(SANITIZED) $(THREADED) build-*

.PHONY: all server run test test-threads test-aarch64 differential prove fuzz lint bench docs clean
