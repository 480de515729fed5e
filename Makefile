.PHONY: build lab demo test bench drill clean fuzz

SEED ?= 1
SECONDS ?= 60
COUNT ?= 10000

build:
	scripts/setup.sh run
	scripts/build.sh

# A cluster that stays: out/bin/weft lab down takes it away.
lab: build
	out/bin/weft lab up

demo:
	./demo.sh

test:
	./test.sh

bench:
	scripts/setup.sh bench
	scripts/build.sh
	scripts/bench.sh

# 16 callers attach and detach COUNT containers while agent and plugin are killed; the same SEED kills at the same places.
drill:
	scripts/setup.sh run
	scripts/build.sh
	scripts/drill.sh --seed $(SEED) --count $(COUNT)

# make fuzz TARGET=cni-config SECONDS=300: afl-fuzz on one reader; the names are those of the folders in fuzz/corpus.
fuzz:
	scripts/fuzz.sh "$(TARGET)" "$(SECONDS)"

clean:
	rm -rf out
	find src tests samples benchmarks tools fuzz -name obj -prune -exec rm -rf {} + -o -name bin -prune -exec rm -rf {} +
