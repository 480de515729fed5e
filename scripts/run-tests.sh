#!/usr/bin/env bash
# Builds and runs the test projects (all, or those whose names contain one of the arguments) and adds their results up.
set -uo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=scripts/common.sh
. "$root/scripts/common.sh"
find_dotnet
share_compiler
export PATH="$root/out/tools:$root/out/bin:$PATH" WEFT_BIN="$root/out/bin"
results=$root/out/test-results
rm -rf "$results"
mkdir -p "$results"

say "Building the tests"
if ! dotnet build "$root/Weft.slnx" -c Release -v q --nologo >"$results/build.log" 2>&1; then
  grep -E 'error' "$results/build.log" | sort -u | head -n 20 >&2
  say "The tests do not build."
  echo "0 passed, 1 failed, 0 skipped"
  exit 1
fi

passed=0 failed=0 skipped=0
for project in "$root"/tests/*/*.Tests.csproj; do
  name=$(basename "$project" .csproj)
  if [ $# -gt 0 ]; then
    wanted=
    for word in "$@"; do case $name in *"$word"*) wanted=1 ;; esac; done
    [ -n "$wanted" ] || continue
  fi
  log=$results/$name.log
  start=$SECONDS
  dotnet test "$project" -c Release --no-build --nologo --logger "trx;LogFileName=$name.trx" --results-directory "$results" >"$log" 2>&1
  status=$?
  line=$(grep -E '^(Passed|Failed|Skipped)! ' "$log" | tail -n 1)
  count() { printf '%s' "$line" | sed -nE "s/.*$1: +([0-9]+).*/\1/p"; }
  p=$(count Passed) f=$(count Failed) s=$(count Skipped)
  if [ -z "$line" ] || { [ "$status" -ne 0 ] && [ "${f:-0}" -eq 0 ]; }; then
    f=$((${f:-0} + 1)) # the run itself died: a crash or a test host that never started
    tail -n 30 "$log" >&2
  fi
  printf '%-32s %4d passed %3d failed %3d skipped  %3d s\n' "$name" "${p:-0}" "${f:-0}" "${s:-0}" $((SECONDS - start))
  if [ "${f:-0}" -gt 0 ]; then
    grep -E -A 14 '^ +Failed ' "$log" | head -n 150
  fi
  grep -E '^ +Skipped |\[SKIP\]' "$log" | sort -u | head -n 20
  passed=$((passed + ${p:-0})) failed=$((failed + ${f:-0})) skipped=$((skipped + ${s:-0}))
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
