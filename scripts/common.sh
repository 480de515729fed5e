# Shared by demo.sh, test.sh and setup.sh: colours off, one plain sentence when we cannot go on, and where dotnet is.
# shellcheck shell=bash

say() { printf '%s\n' "$*" >&2; }

fail() { say "weft: $*"; exit 1; }

# sudo resets PATH, so an SDK in the caller's home or under /opt is not on it.
find_dotnet() {
  local home candidate
  home=$(getent passwd "${SUDO_USER:-$(id -un)}" | cut -d: -f6)
  for candidate in "$(command -v dotnet || true)" "${DOTNET_ROOT:-/nonexistent}/dotnet" "$home/.dotnet/dotnet" \
    /usr/share/dotnet/dotnet /usr/lib/dotnet/dotnet /usr/local/share/dotnet/dotnet /opt/dotnet/dotnet /snap/bin/dotnet; do
    if [ -x "$candidate" ] && "$candidate" --list-sdks 2>/dev/null | grep -q '^10\.'; then
      candidate=$(readlink -f "$candidate")
      DOTNET_ROOT=$(dirname "$candidate")
      export DOTNET_ROOT
      export PATH="$DOTNET_ROOT:$PATH"
      return 0
    fi
  done
  fail "the .NET 10 SDK is missing: install it (https://dot.net) so that 'dotnet --list-sdks' shows a 10.x line, then run this again."
}

need_root() {
  [ "$(id -u)" = 0 ] || fail "this makes network namespaces and needs root: run it as 'sudo $1'."
}

need_kernel() {
  local release major minor
  release=$(uname -r)
  major=${release%%.*}
  minor=${release#*.}
  minor=${minor%%.*}
  minor=${minor%%[!0-9]*}
  [ "$(uname -s)" = Linux ] || fail "this needs Linux; $(uname -s) has no network namespaces."
  if [ "$major" -lt 5 ] || { [ "$major" -eq 5 ] && [ "${minor:-0}" -lt 15 ]; }; then
    fail "kernel $release is too old: 5.15 or newer is needed (nftables concatenated maps, cgroup.kill)."
  fi
}

# One compiler process for all projects is several times faster than one each; it is ended with the script, so that nothing is left running.
share_compiler() {
  export UseSharedCompilation=true DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 DOTNET_SKIP_FIRST_TIME_EXPERIENCE=1
  trap 'dotnet build-server shutdown --vbcscompiler >/dev/null 2>&1 || true' EXIT
}
