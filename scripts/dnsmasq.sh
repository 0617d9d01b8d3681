#!/usr/bin/env bash
# dnsmasq.sh [FOLDER]: prints the path of a dnsmasq to run, see unpacked.sh.
set -euo pipefail
source "$(dirname "$0")/unpacked.sh"
unpacked dnsmasq "${1:-}" dnsmasq-base --version libnetfilter-conntrack3 libnftables1 libnfnetlink0 libmnl0 libnftnl11 \
    libjansson4 libxtables12 libedit2 libbsd0 libmd0 libdbus-1-3 libidn2-0 libunistring2 libgmp10 libhogweed6 libnettle8
