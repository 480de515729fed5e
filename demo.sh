#!/usr/bin/env bash
# The demo: a three-node Kubernetes network on this machine, a small application on it, and policies before and after.
# Installs what it needs, builds, runs, and leaves nothing behind. Exit status 0 when all was as expected.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/common.sh
. "$root/scripts/common.sh"
need_root ./demo.sh
need_kernel
find_dotnet
"$root/scripts/setup.sh" run
"$root/scripts/build.sh"
exec "$root/out/bin/weft" demo "$@"
