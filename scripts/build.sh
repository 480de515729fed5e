#!/usr/bin/env bash
# Builds the programs ahead of time into out/bin: weft, weft-agent, weft-cni (also as weft-ipam) and the sample pods' programs.
# Skips the work when no source is newer than the last build.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=scripts/common.sh
. "$root/scripts/common.sh"
find_dotnet
share_compiler
bin=$root/out/bin
stamp=$bin/.built

if [ -f "$stamp" ] && [ -z "$(find "$root/src" "$root/samples" "$root"/Directory.* "$root/global.json" \
  \( -name obj -o -name bin \) -prune -o -type f -newer "$stamp" -print -quit)" ]; then
  exit 0
fi
say "Building weft, weft-agent, weft-cni and the samples (NativeAOT, a few minutes the first time)"
log=$(mktemp)
publish() { # project, folder
  local staging=$root/out/publish/$1
  if ! dotnet publish "$root/$2/$1.csproj" -c Release -o "$staging" -v q --nologo >"$log" 2>&1; then
    grep -E 'error|warning' "$log" | sort -u | head -n 20 >&2
    fail "building $1 failed; the compiler's words are above."
  fi
}
mkdir -p "$bin/samples"
publish Weft.Cni src/Weft.Cni
publish Weft.Agent src/Weft.Agent
publish Weft.Cli src/Weft.Cli
publish Weft.Sample samples/Weft.Sample
for project in Weft.Cni Weft.Agent Weft.Cli; do
  find "$root/out/publish/$project" -maxdepth 1 -type f ! -name '*.dbg' ! -name '*.pdb' ! -name '*.json' ! -name '*.xml' -exec cp -f --remove-destination {} "$bin/" \;
done
# One file, two names: by the second it answers other plugins' calls for addresses.
ln -f "$bin/weft-cni" "$bin/weft-ipam"
cp -f --remove-destination "$root/out/publish/Weft.Sample/tier" "$bin/samples/"
rm -f "$log"
touch "$stamp"
