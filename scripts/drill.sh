#!/usr/bin/env bash
# Attaches and detaches containers in parallel while agent and plugin are killed, then proves that nothing leaked. Needs root.
# Usage: scripts/drill.sh [--seed N] [--count N] [--workers N]
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=scripts/common.sh
. "$root/scripts/common.sh"
need_root "make drill"
need_kernel
find_dotnet
share_compiler
export WEFT_BIN="$root/out/bin"
dotnet build "$root/tools/Weft.Drill" -c Release -v q --nologo
dotnet "$root/tools/Weft.Drill/bin/Release/net10.0/weft-drill.dll" "$@"
