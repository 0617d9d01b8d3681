#!/usr/bin/env bash
# dnsmasq.sh [FOLDER]: prints the path of a dnsmasq to run. The first time it downloads the package and unpacks it below
# FOLDER (default build/servers). Nothing is installed, no service is started, and no special rights are needed: apt
# keeps its lists and files in FOLDER too.
set -euo pipefail

folder=$(realpath -m "${1:-$(dirname "$0")/../build/servers}")
dnsmasq=$folder/dnsmasq/run
mkdir -p "$folder"
exec 9>"$folder/.lock"
flock 9

if [[ ! -x $dnsmasq ]]; then
    command -v apt-get >/dev/null || {
        echo "dnsmasq.sh: no apt-get here; install dnsmasq-base and set WEIR_DNSMASQ to its path" >&2
        exit 2
    }
    apt=$folder/apt
    rm -rf "$folder/dnsmasq"
    mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$folder/dnsmasq/root"
    cd "$folder/dnsmasq"
    options=(-qq -o Dir::State="$apt" -o Dir::State::lists="$apt/lists" -o Dir::Cache="$apt/cache"
        -o Dir::State::status=/var/lib/dpkg/status -o APT::Sandbox::User= -o Acquire::Retries=3)
    echo "dnsmasq.sh: downloading dnsmasq-base, to be unpacked below $folder" >&2
    {
        apt-get "${options[@]}" update || echo "dnsmasq.sh: apt-get update failed; trying what it left" >&2
        apt-get "${options[@]}" download dnsmasq-base
        # Its libraries, where this machine does not have them.
        dpkg -x dnsmasq-base_*.deb root
        if ldd root/usr/sbin/dnsmasq | grep -q 'not found'; then
            apt-get "${options[@]}" download libnetfilter-conntrack3 libnftables1 libnfnetlink0 libmnl0 libnftnl11 \
                libjansson4 libxtables12 libedit2 libbsd0 libmd0 libdbus-1-3 libidn2-0 libunistring2 libgmp10 \
                libhogweed6 libnettle8
            for package in lib*.deb; do dpkg -x "$package" root; done
        fi
    } </dev/null >&2
    libraries=$(find "$PWD/root" -name 'lib*.so.*' -printf '%h\n' | sort -u | paste -sd:)
    cat >run.part <<END
#!/bin/sh
export LD_LIBRARY_PATH="$libraries"
exec "$PWD/root/usr/sbin/dnsmasq" "\$@"
END
    chmod +x run.part
    ./run.part --version >/dev/null || { echo "dnsmasq.sh: the unpacked dnsmasq does not run" >&2; exit 1; }
    mv run.part run
    rm -rf "$apt" ./*.deb
fi
echo "$dnsmasq"
