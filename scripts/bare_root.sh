#!/usr/bin/env bash
# bare_root.sh COMMAND   runs COMMAND (for a shell) in a bare Debian 12, on a copy of this tree's tracked files
#
# The root holds what `debootstrap --variant=minbase` installs and nothing else, so whatever COMMAND needs must come
# from a list of the repository. Packages come from the mirror that apt uses here. The minimal system is kept as an
# archive in build/bare_root; the root itself is removed at the end, also after a failure or a signal. A ccache folder
# of this machine is used inside, unless CCACHE_DISABLE is set.
#
# Exit: what COMMAND returns; 77 where no root can be made here, with the reason in the last line.
set -euo pipefail
cd "$(dirname "$0")/.."
readonly suite=bookworm folder=$PWD/build/bare_root
readonly source_in_root=/usr/src/weir

unable() {
    echo "$*"
    exit 77
}

# ---- inside namespaces of our own: mounts and processes end with this process

if [[ ${1:-} == --inside ]]; then
    root=$2 command=$3 cache=$4
    mount -t proc proc "$root/proc"
    mount --rbind /dev "$root/dev"
    settings=(PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8)
    for name in http_proxy https_proxy no_proxy CCACHE_DISABLE; do
        [[ -z ${!name:-} ]] || settings+=("$name=${!name}")
    done
    if [[ -n $cache ]]; then
        mkdir -p "$root/var/cache/ccache"
        mount --bind "$cache" "$root/var/cache/ccache"
        settings+=(CCACHE_DIR=/var/cache/ccache)
    fi
    chroot "$root" env -i "${settings[@]}" sh -c "cd $source_in_root && $command" &
    # As the first process of its namespace, this one must wait for what others left behind.
    wait $!
    exit
fi

# ---- may we?

(($# == 1)) || { echo "usage: bare_root.sh COMMAND" >&2; exit 2; }
((EUID == 0)) || unable "only root can make a bare root"
PATH=$PATH:/usr/sbin:/sbin
for tool in debootstrap apt-get tar setpriv unshare; do
    command -v "$tool" >/dev/null || unable "no bare root without $tool"
done
# They end with us, even when we are killed.
readonly namespaces=(setpriv --pdeathsig KILL unshare --mount --pid --fork --kill-child)
"${namespaces[@]}" sh -c 'mount -t proc proc /proc' 2>/dev/null || unable "mounting is not allowed here"

# apt's own view of its sources: one line for each suite and component of Debian 12.
sources() {
    apt-get indextargets --format "\$(REPO_URI) \$(RELEASE) \$(COMPONENT)" 'Created-By: Packages' |
        awk -v suite=$suite '$2 == suite || index($2, suite "-") == 1' | sort -u
}
mirror=$(sources | awk -v suite=$suite '$2 == suite && $3 == "main" { print $1; exit }')
[[ -n $mirror ]] || unable "apt's sources name no main component of $suite"

# ---- the minimal system

root="" inside=""
clean_up() {
    trap '' INT TERM HUP
    if [[ -n $inside ]]; then
        kill -KILL "$inside" 2>/dev/null || true
        wait "$inside" 2>/dev/null || true
    fi
    # Nothing is mounted below it in this namespace.
    [[ -z $root ]] || rm -rf --one-file-system "$root"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

mkdir -p "$folder"
for left in "$folder"/root.*; do # by one that was killed
    [[ ! -d $left || -e /proc/${left##*.} ]] || rm -rf --one-file-system "$left"
done
root=$folder/root.$$
mkdir "$root"
archive=$folder/$suite-minbase.tar
if [[ ! -f $archive ]]; then
    "${namespaces[@]}" --mount-proc debootstrap --variant=minbase $suite "$root" "$mirror" >"$folder/debootstrap.log" 2>&1 ||
        { tail -n 20 "$folder/debootstrap.log"; unable "debootstrap failed, see above"; }
    rm -f "$root"/var/cache/apt/archives/*.deb
    tar -C "$root" --one-file-system -cf "$archive.part" .
    mv "$archive.part" "$archive"
else
    tar -C "$root" -xf "$archive"
fi

# How apt reaches its mirror here: sources, keys, proxies and what it is lenient about. No hooks: they call programs
# that a bare root does not have.
sources | sed 's/^/deb /' >"$root/etc/apt/sources.list"
apt-config dump | grep -E '^Acquire::(http|https|Check|Retries|ForceIPv|Languages)' \
    >"$root/etc/apt/apt.conf.d/90mirror" || true
for place in trusted.gpg trusted.gpg.d keyrings auth.conf.d; do
    [[ ! -e /etc/apt/$place ]] || cp -a "/etc/apt/$place" "$root/etc/apt/"
done
if grep -q '^deb https:' "$root/etc/apt/sources.list"; then
    cp /etc/ssl/certs/ca-certificates.crt "$root/etc/apt/mirror.crt"
    echo 'Acquire::https::CAInfo "/etc/apt/mirror.crt";' >>"$root/etc/apt/apt.conf.d/90mirror"
fi
cp /etc/resolv.conf /etc/hosts "$root/etc/"

# ---- the tree as a fresh clone has it

mkdir -p "$root$source_in_root"
{ git ls-files -z 2>/dev/null || find . -path ./build -prune -o -type f -print0; } |
    tar --null --ignore-failed-read -T - -cf - | tar -xf - -C "$root$source_in_root"

cache=""
if [[ -z ${CCACHE_DISABLE:-} ]] && command -v ccache >/dev/null; then
    cache=$(ccache -k cache_dir)
    mkdir -p "$cache"
fi
"${namespaces[@]}" "$0" --inside "$root" "$1" "$cache" </dev/null &
inside=$!
status=0
wait $inside || status=$?
inside=""
# 77 is our own word.
((status != 77)) || status=1
exit $status
