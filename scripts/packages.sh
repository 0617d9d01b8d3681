# shellcheck shell=bash disable=SC2034
# Sourced by demo.sh, test.sh, mutate.sh and bench/run.sh: the Debian packages a command needs. Installs by name, removes
# nothing, and does nothing at all (works without a network) when everything is there.

packages_to_run="g++ cmake ninja-build libboost1.81-dev libboost-json1.81-dev"
packages_to_run+=" libssl-dev libidn2-dev libc-ares-dev zlib1g-dev libbrotli-dev libzstd-dev"
packages_to_run+=" libcli11-dev libfmt-dev ca-certificates ccache"
packages_to_test="$packages_to_run pkg-config libboost-test1.81-dev python3 openssl patch"
packages_for_all="$packages_to_test clang-19 libclang-rt-19-dev llvm-19 clang-tools-19"
packages_for_all+=" clang-14 clang-format-14 clang-tidy-14 debootstrap curl tmux python3-clang-19"
packages_to_mutate="$packages_to_test clang-19 python3-clang-19"
packages_to_bench="g++ cmake ninja-build libboost1.81-dev python3 openssl"
packages_to_bench+=" libssl-dev libidn2-dev libc-ares-dev zlib1g-dev libbrotli-dev libzstd-dev"
packages_to_bench+=" libboost-json1.81-dev libcli11-dev libfmt-dev"
packages_for_peers="golang-go golang-golang-x-sync-dev libtbb-dev wrk curl wget2 aria2"

# Each stands in tools.txt, with its package.
tools_to_run="g++ cmake ninja ccache"
tools_to_test="$tools_to_run pkg-config python3 openssl patch"
tools_to_bench="g++ cmake ninja python3 openssl"
tools_to_mutate="$tools_to_test clang++-19"
tools_for_all="$tools_to_test clang++-19 llvm-symbolizer-19 clang-query-19"
tools_for_all+=" clang++-14 clang-format-14 clang-tidy-14 debootstrap curl tmux"

say() { printf '== %s\n' "$*"; }
give_up() {
    printf '%s\n' "$@" >&2
    exit 2
}

is_installed() { [[ $(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null) == installed ]]; }

# need_tool TOOL: returns when it is there; names its package and exits 2 when not.
need_tool() {
    # Administration tools may be outside the PATH of a user.
    PATH=$PATH:/usr/sbin:/sbin command -v "$1" >/dev/null && return
    local package
    package=$(awk -v tool="$1" '$1 == tool { print $2 }' "${BASH_SOURCE[0]%/*}/tools.txt")
    give_up "$1 is not there. On Debian 12: apt-get install ${package:-its package}"
}

# as_root COMMAND...: as we are, or through sudo without a question.
as_root() {
    if ((EUID == 0)); then
        "$@"
    else
        sudo -n "$@"
    fi
}

# need "PACKAGE..." "TOOL...": returns when all of it is there; explains and exits 2 when that cannot be had.
need() {
    local package tool missing=() other
    local install=(apt-get install -y --no-install-recommends --no-remove)
    if command -v dpkg-query >/dev/null && command -v apt-get >/dev/null; then
        for package in $1; do
            is_installed "$package" || missing+=("$package")
        done
    fi

    if ((${#missing[@]})); then
        # Debian's Boost versions exclude each other, and one that is there may be there for a reason.
        for other in $(dpkg-query -W -f='${db:Status-Status} ${Package}\n' 'libboost1.*-dev' 2>/dev/null |
            awk '$1 == "installed" { print $2 }'); do
            [[ $other == libboost1.81-dev ]] || give_up \
                "weir needs Boost 1.81 (libboost1.81-dev). $other is installed, and Debian allows only one of them." \
                "Nothing was changed. If nothing needs $other any more, remove it and run this again:" \
                "    apt-get remove $other"
        done
        if ((EUID != 0)) && ! { command -v sudo >/dev/null && sudo -n true 2>/dev/null; }; then
            give_up "These packages are missing, and installing them takes root. Run this line, then this script again:" \
                "    sudo sh -c 'apt-get update && ${install[*]} ${missing[*]}'"
        fi
        say "installing: ${missing[*]}"
        # With empty lists `apt-get install` may end well and install nothing, so update always comes first.
        local options=(-qq -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3) said
        as_root apt-get "${options[@]}" update </dev/null ||
            say "apt-get update failed; trying with the lists that are there"
        said=$(as_root env DEBIAN_FRONTEND=noninteractive "${install[@]}" "${options[@]}" "${missing[@]}" \
            </dev/null 2>&1) || give_up "$said" "apt-get could not install: ${missing[*]}"
        for package in "${missing[@]}"; do
            is_installed "$package" || give_up "$package is still not installed"
        done
    fi

    for tool in $2; do need_tool "$tool"; done
}
