#!/usr/bin/env bash
# Runs afl-fuzz on one of the readers of what comes from outside, guided by coverage: scripts/fuzz.sh TARGET SECONDS
# What crashes or hangs goes into the corpus, which the tests replay; exit status 1 when there was any.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=scripts/common.sh
. "$root/scripts/common.sh"
target=${1:-} seconds=${2:-60}
corpus=$root/fuzz/corpus/$target
[ -n "$target" ] && [ -d "$corpus" ] || fail "usage: make fuzz TARGET=NAME SECONDS=N; targets are $(ls "$root/fuzz/corpus" | tr '\n' ' ')"
find_dotnet
share_compiler
command -v afl-fuzz >/dev/null || fail "afl-fuzz is missing: apt-get install afl++"
tool=$root/out/tools/sharpfuzz
[ -x "$tool/sharpfuzz" ] || dotnet tool install SharpFuzz.CommandLine --version 2.3.0 --tool-path "$tool" >/dev/null

out=$root/out/fuzz/$target
rm -rf "$out"
mkdir -p "$out"
dotnet build "$root/fuzz/Weft.Fuzz" -c Release -v q --nologo -o "$out/bin" >"$out/build.log" 2>&1 || { grep -E ' error ' "$out/build.log" | sort -u >&2; fail "weft-fuzz does not build."; }
# What is looked at: the readers themselves and the framework's JSON reader below them stay apart, so that the map is not filled by the latter.
"$tool/sharpfuzz" "$out/bin/Weft.Wire.dll"
"$tool/sharpfuzz" "$out/bin/weft-agent.dll" Weft.Agent.Ipam

AFL_SKIP_BIN_CHECK=1 AFL_SKIP_CPUFREQ=1 AFL_NO_UI=1 AFL_NO_AFFINITY=1 AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1 \
  afl-fuzz -i "$corpus" -o "$out/found" -V "$seconds" -t 5000 -m none -- dotnet "$out/bin/weft-fuzz.dll" "$target" >"$out/afl.log" 2>&1 \
  || { tail -n 20 "$out/afl.log" >&2; fail "afl-fuzz ended early; its last words are above."; }
stats=$out/found/default/fuzzer_stats
sed -nE 's/^(execs_done|execs_per_sec|corpus_count|corpus_found|edges_found|saved_crashes|saved_hangs) +: (.*)/\1 \2/p' "$stats"
found=0
for file in "$out"/found/default/crashes/id* "$out"/found/default/hangs/id*; do
  [ -f "$file" ] || continue
  name=found-$(sha1sum "$file" | cut -c1-12)
  cp "$file" "$corpus/$name"
  say "fuzz/corpus/$target/$name: $(dotnet "$out/bin/weft-fuzz.dll" "$target" "$file" 2>&1 | head -n 1)"
  found=1
done
exit "$found"
