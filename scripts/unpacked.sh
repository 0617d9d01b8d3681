# shellcheck shell=bash
# Sourced by the scripts that unpack a server for the tests.

# unpacked NAME FOLDER PACKAGE FLAG LIBRARY...: prints the path of the program NAME to run. The first time it downloads
# PACKAGE, and the packages with its libraries where this machine does not have them, and unpacks all below FOLDER (by
# default build/servers). Nothing is installed, no service is started, and no special rights are needed: apt keeps its
# lists and files in FOLDER too. FLAG makes the program print its version.
unpacked() {
    local name=$1 folder package=$3 flag=$4 program apt libraries deb options binary
    folder=$(realpath -m "${2:-$(dirname "$0")/../build/servers}")
    shift 4
    program=$folder/$name/run
    mkdir -p "$folder"
    exec 9>"$folder/.lock"
    flock 9

    if [[ ! -x $program ]]; then
        begin_unpacking
        echo "$name.sh: downloading $package, to be unpacked below $folder" >&2
        {
            apt-get "${options[@]}" update || echo "$name.sh: apt-get update failed; trying what it left" >&2
            apt-get "${options[@]}" download "$package"
            dpkg -x "$package"_*.deb root
            binary=$(find root/usr/*bin -type f -name "$name")
            if ldd "$binary" | grep -q 'not found'; then
                apt-get "${options[@]}" download "$@"
                for deb in *.deb; do dpkg -x "$deb" root; done
            fi
        } </dev/null >&2
        libraries=$(find "$PWD/root" -name 'lib*.so.*' -printf '%h\n' | sort -u | paste -sd:)
        printf '#!/bin/sh\nexport LD_LIBRARY_PATH="%s"\nexec "%s" "$@"\n' \
            "$libraries" "$PWD/$binary" >run.part
        chmod +x run.part
        ./run.part "$flag" >/dev/null 2>&1 || { echo "$name.sh: the unpacked $name does not run" >&2; exit 1; }
        mv run.part run
        rm -rf "$apt" ./*.deb
    fi
    echo "$program"
}

# begin_unpacking: makes an empty folder $name in $folder, enters it, and sets `apt` and `options` to where apt-get keeps
# its files, and how it is told.
begin_unpacking() {
    command -v apt-get >/dev/null || {
        echo "$name.sh: no apt-get here; install $name and set WEIR_${name^^} to its path" >&2
        exit 2
    }
    apt=$folder/apt
    rm -rf "${folder:?}/$name"
    mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$folder/$name/root"
    cd "$folder/$name"
    options=(-qq -o Dir::State="$apt" -o Dir::State::lists="$apt/lists" -o Dir::Cache="$apt/cache"
        -o Dir::State::status=/var/lib/dpkg/status -o APT::Sandbox::User= -o Acquire::Retries=3)
}

# unpacked_module NAME FOLDER MODULE PACKAGE...: prints the path of a program that runs the Python module MODULE with
# Debian's python3. PACKAGE... are its package and all that it depends on; the rest is as above.
unpacked_module() {
    local name=$1 folder module=$3 program apt options deb modules
    folder=$(realpath -m "${2:-$(dirname "$0")/../build/servers}")
    shift 3
    program=$folder/$name/run
    mkdir -p "$folder"
    exec 9>"$folder/.lock"
    flock 9

    if [[ ! -x $program ]]; then
        begin_unpacking
        echo "$name.sh: downloading $*, to be unpacked below $folder" >&2
        {
            apt-get "${options[@]}" update || echo "$name.sh: apt-get update failed; trying what it left" >&2
            apt-get "${options[@]}" download "$@"
            for deb in *.deb; do dpkg -x "$deb" root; done
        } </dev/null >&2
        modules=$PWD/root/usr/lib/python3/dist-packages
        printf '#!/bin/sh\nexport PYTHONPATH="%s" PYTHONDONTWRITEBYTECODE=1\nexec /usr/bin/python3 -m %s "$@"\n' \
            "$modules" "$module" >run.part
        chmod +x run.part
        ./run.part --help >/dev/null 2>&1 || { echo "$name.sh: the unpacked $name does not run" >&2; exit 1; }
        mv run.part run
        rm -rf "$apt" ./*.deb
    fi
    echo "$program"
}
