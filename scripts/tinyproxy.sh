#!/usr/bin/env bash
# tinyproxy.sh [FOLDER]: prints the path of a tinyproxy to run, see unpacked.sh.
set -euo pipefail
source "$(dirname "$0")/unpacked.sh"
unpacked tinyproxy "${1:-}" tinyproxy-bin -v
