#!/usr/bin/env bash
# haproxy.sh [FOLDER]: prints the path of an haproxy to run, see unpacked.sh.
set -euo pipefail
source "$(dirname "$0")/unpacked.sh"
unpacked haproxy "${1:-}" haproxy -v liblua5.3-0 libopentracing-c-wrapper0 libopentracing1 libpcre2-8-0 libcrypt1 libssl3 \
    libsystemd0 libcap2 libgcrypt20 libgpg-error0 liblz4-1 liblzma5 libzstd1
