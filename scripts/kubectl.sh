#!/usr/bin/env bash
# Puts a kubectl of 1.29 or newer (WebSocket exec) into out/tools, unless the machine has one. Debian 12's own is 1.20, so it is
# taken from Debian 13, through an apt configuration of its own: the machine's sources stay as they are.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=scripts/common.sh
. "$root/scripts/common.sh"
tools=$root/out/tools

recent() {
  local minor
  minor=$("$1" version --client 2>/dev/null | sed -n 's/^Client Version: v1\.\([0-9]*\).*/\1/p')
  [ -n "$minor" ] && [ "$minor" -ge 29 ]
}

mkdir -p "$tools"
if [ -x "$tools/kubectl" ] && recent "$tools/kubectl"; then exit 0; fi
if [ -z "${WEFT_OWN_KUBECTL:-}" ] && found=$(command -v kubectl) && recent "$found"; then
  ln -sf "$found" "$tools/kubectl"
  exit 0
fi

keyring=/usr/share/keyrings/debian-archive-keyring.gpg
[ -f "$keyring" ] || fail "kubectl 1.29 or newer is missing: put one on the PATH."
mirror=$({ cat /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list 2>/dev/null || true; } |
  sed -nE 's/^URIs: *([^ ]+).*/\1/p; s/^deb +(\[[^]]*\] +)?([^ ]+) .*/\2/p' | grep -v security | head -n 1)
[ -n "$mirror" ] || fail "kubectl 1.29 or newer is missing and apt names no Debian mirror to take it from: put one on the PATH."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
: >"$work/status" # an installed kubectl from elsewhere must not decide the version
mkdir -p "$work/lists/partial" "$work/cache/archives/partial"
echo "deb [signed-by=$keyring] $mirror trixie main" >"$work/sources.list"
options=(-o "Dir::Etc::sourcelist=$work/sources.list" -o Dir::Etc::sourceparts=- -o "Dir::State::lists=$work/lists" -o "Dir::State::status=$work/status"
  -o "Dir::Cache=$work/cache" -o APT::Sandbox::User=root -o Acquire::Languages=none -o Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false)
say "Installing kubectl (Debian 13's package) into out/tools"
if ! { cd "$work" && apt-get -q "${options[@]}" update && apt-get -q "${options[@]}" download kubectl; } >"$work/log" 2>&1; then
  tail -n 10 "$work/log" >&2
  fail "kubectl could not be downloaded from Debian 13; put a kubectl of 1.29 or newer on the PATH."
fi
dpkg-deb -x "$work"/kubectl_*.deb "$work/root"
install -m 755 "$work/root/usr/bin/kubectl" "$tools/kubectl"
