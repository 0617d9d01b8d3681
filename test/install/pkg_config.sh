# shellcheck shell=sh disable=SC2034
# pkg_config.sh STAGE COMPILER PACKAGE SOURCE PROGRAM: compiles and runs SOURCE with what pkg-config says, nothing else.
set -eu
stage=$1 compiler=$2 package=$3 source=$4 program=$5
PKG_CONFIG_PATH=$(dirname "$(find "$stage" -name "$package.pc")")
export PKG_CONFIG_PATH
flags=$(pkg-config --cflags --libs "$package")
# pkg-config quotes for a shell.
eval "\"\$compiler\" -std=c++20 \"\$source\" $flags -o \"\$program\""
"$program"
