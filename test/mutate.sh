#!/bin/bash
# mutate.sh [--sample N] [--seed S]: draws N faults at places of the library that a machine chooses, builds all of them
# at once, and looks which of them a test notices. docs/proof.md says how; mutate.sh --help has the other options.
#
# Works on copies below build/mutation (--work DIR); this tree is only read. Installs what is missing on Debian 12.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/packages.sh
need "$packages_to_mutate" "$tools_to_mutate"
exec env PYTHONDONTWRITEBYTECODE=1 python3 test/mutation/mutate.py "$@"
