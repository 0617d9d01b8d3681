#!/usr/bin/env bash
# with_origin.sh ORIGIN COMMAND...: runs COMMAND with ten URLs of a fresh origin behind its own arguments.
set -euo pipefail
source "$(dirname "$0")/origin.sh"
start_origin "$1" --min-delay-ms 5 --max-delay-ms 25
shift
"$@" "$origin_url"/item/{1..10}
