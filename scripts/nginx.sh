#!/usr/bin/env bash
# nginx.sh [FOLDER]: prints the path of an nginx to run, see unpacked.sh.
set -euo pipefail
source "$(dirname "$0")/unpacked.sh"
unpacked nginx "${1:-}" nginx -v libpcre2-8-0 libcrypt1 libssl3 zlib1g
