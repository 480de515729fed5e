#!/usr/bin/env bash
# Every test: units, properties, scenarios on the tracer and in the lab, kubectl against the API, the demo.
# Ends with a line "N passed, N failed, N skipped"; exit status 0 when none failed.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/common.sh
. "$root/scripts/common.sh"
need_root ./test.sh
need_kernel
find_dotnet
"$root/scripts/setup.sh" test
"$root/scripts/build.sh"
exec "$root/scripts/run-tests.sh" "$@"
