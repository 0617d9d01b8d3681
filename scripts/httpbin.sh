#!/usr/bin/env bash
# httpbin.sh [FOLDER]: prints the path of an httpbin to run, see unpacked.sh.
set -euo pipefail
source "$(dirname "$0")/unpacked.sh"
unpacked_module httpbin "${1:-}" httpbin.core python3-httpbin python3-brotli python3-click python3-colorama python3-decorator \
    python3-flask python3-itsdangerous python3-jinja2 python3-markupsafe python3-six python3-werkzeug
