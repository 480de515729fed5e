#!/usr/bin/env bash
# Installs what building and running Weft takes on Debian 12: compiler and libraries for NativeAOT, nftables, kubectl.
# Usage: scripts/setup.sh [run|test|bench]   (each includes the ones before it)
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=scripts/common.sh
. "$root/scripts/common.sh"

level=${1:-run}
run_packages=(ca-certificates gcc libc6-dev zlib1g-dev libnftables1 nftables iproute2 procps)
test_packages=(bind9-dnsutils busybox-static conmon containerd containernetworking-plugins knot-dnsutils podman runc)
bench_packages=(iperf3 sockperf time)

packages=("${run_packages[@]}")
[ "$level" = run ] || packages+=("${test_packages[@]}")
[ "$level" != bench ] || packages+=("${bench_packages[@]}")

missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
done
if [ "${#missing[@]}" -gt 0 ]; then
  command -v apt-get >/dev/null || fail "apt-get is missing: install these packages by your system's means: ${missing[*]}"
  say "Installing ${missing[*]}"
  log=$(mktemp)
  if ! { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    fail "apt-get could not install ${missing[*]}; its last words are above."
  fi
  rm -f "$log"
fi
"$root/scripts/kubectl.sh"
