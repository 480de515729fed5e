.PHONY: build lab demo test bench clean

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

clean:
	rm -rf out
	find src tests samples benchmarks tools -name obj -prune -exec rm -rf {} + -o -name bin -prune -exec rm -rf {} +
