#!/usr/bin/env bash
# Runs the benchmarks (all, or those named: labup cni policy datapath services memory) and writes out/bench.json. Needs root.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=scripts/common.sh
. "$root/scripts/common.sh"
need_root "make bench"
need_kernel
find_dotnet
share_compiler
export PATH="$root/out/tools:$PATH" WEFT_BIN="$root/out/bin"
dotnet build "$root/benchmarks/Weft.Benchmarks" -c Release -v q --nologo
dotnet "$root/benchmarks/Weft.Benchmarks/bin/Release/net10.0/Weft.Benchmarks.dll" --output="$root/out/bench.json" "$@"
