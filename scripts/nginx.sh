#!/usr/bin/env bash
# nginx.sh [FOLDER]: prints the path of an nginx to run. The first time it downloads the package and unpacks it below
# FOLDER (default build/servers). Nothing is installed, no service is started, and no special rights are needed: apt
# keeps its lists and files in FOLDER too.
set -euo pipefail

folder=$(realpath -m "${1:-$(dirname "$0")/../build/servers}")
nginx=$folder/nginx/run
mkdir -p "$folder"
exec 9>"$folder/.lock"
flock 9

if [[ ! -x $nginx ]]; then
    command -v apt-get >/dev/null || {
        echo "nginx.sh: no apt-get here; install nginx and set WEIR_NGINX to its path" >&2
        exit 2
    }
    apt=$folder/apt
    rm -rf "$folder/nginx"
    mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$folder/nginx/root"
    cd "$folder/nginx"
    options=(-qq -o Dir::State="$apt" -o Dir::State::lists="$apt/lists" -o Dir::Cache="$apt/cache"
        -o Dir::State::status=/var/lib/dpkg/status -o APT::Sandbox::User= -o Acquire::Retries=3)
    echo "nginx.sh: downloading nginx, to be unpacked below $folder" >&2
    {
        apt-get "${options[@]}" update || echo "nginx.sh: apt-get update failed; trying what it left" >&2
        apt-get "${options[@]}" download nginx
        # Its libraries, where this machine does not have them.
        dpkg -x nginx_*.deb root
        if ldd root/usr/sbin/nginx | grep -q 'not found'; then
            apt-get "${options[@]}" download libpcre2-8-0 libcrypt1 libssl3 zlib1g
            for package in lib*.deb zlib*.deb; do dpkg -x "$package" root; done
        fi
    } </dev/null >&2
    libraries=$(find "$PWD/root" -name 'lib*.so.*' -printf '%h\n' | sort -u | paste -sd:)
    cat >run.part <<EOF
#!/bin/sh
export LD_LIBRARY_PATH="$libraries"
exec "$PWD/root/usr/sbin/nginx" "\$@"
EOF
    chmod +x run.part
    ./run.part -v 2>/dev/null || { echo "nginx.sh: the unpacked nginx does not run" >&2; exit 1; }
    mv run.part run
    rm -rf "$apt" ./*.deb
fi
echo "$nginx"
