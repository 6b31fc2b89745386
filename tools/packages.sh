# SPDX-License-Identifier: Apache-2.0
# packages.sh -- the one list of the Debian packages this project needs, and how to get them.
#
# Sourced by `demo` and `check`, in any POSIX shell. A fresh Debian has a shell, git and apt, so
# everything else stands here, also what a compiler merely recommends (libc6-dev).
#
# shellcheck shell=sh disable=SC2086 # lists of words without blanks: split on purpose

# To build and run the program. ninja, meson and python3 come together.
PACKAGES_BUILD='gcc libc6-dev meson ninja-build pkg-config libvips-dev libisal-dev libfontconfig-dev
libgdk-pixbuf-2.0-dev libjansson-dev libinih-dev libsqlite3-dev libssl-dev
libcurl4-openssl-dev libmicrohttpd-dev libseccomp-dev'

# To test it. clang-tidy and clang-format decide by their version, so they are those of Debian 12.
PACKAGES_CHECK='binutils clang clang-format clang-tidy libclang-rt-14-dev llvm libcmocka-dev
zlib1g-dev bats libvips-tools libimage-exiftool-perl qemu-user python3 python3-numpy python3-pil
nodejs openssl curl'

# To measure it: what the drivers in bench/ need, and its peers, each of which may be missing.
# PyTorch is what train/ needs, too, which also draws letters.
PACKAGES_BENCH='python3-numpy python3-pil python3-matplotlib'
PACKAGES_PYTORCH='python3-torch python3-numpy python3-pil fonts-dejavu-core'
PACKAGES_ONNX='python3-onnx'
PACKAGES_NODE='nodejs npm'

# need_packages GROUP...: install what is missing of the groups above. Says nothing when nothing
# is missing. Fails, after one sentence on standard error, when something cannot be had.
need_packages() (
    wanted=
    for group in "$@"; do
        case $group in
        BUILD) wanted="$wanted $PACKAGES_BUILD" ;;
        CHECK) wanted="$wanted $PACKAGES_CHECK" ;;
        BENCH) wanted="$wanted $PACKAGES_BENCH" ;;
        PYTORCH) wanted="$wanted $PACKAGES_PYTORCH" ;;
        ONNX) wanted="$wanted $PACKAGES_ONNX" ;;
        NODE) wanted="$wanted $PACKAGES_NODE" ;;
        *) echo "need_packages: no group $group" >&2 && return 2 ;;
        esac
    done
    if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
        echo "This is not a Debian: please provide what these packages hold:" $wanted >&2
        return 0
    fi

    have=$(dpkg-query -W -f '${Package}=${db:Status-Status}\n' $wanted 2>/dev/null | tr '\n' ' ')
    missing=
    for package in $wanted; do
        case " $have" in
        *" $package=installed "*) ;;
        *) missing="$missing $package" ;;
        esac
    done
    [ -n "$missing" ] || return 0

    as_root=
    if [ "$(id -u)" -ne 0 ]; then
        if ! command -v sudo >/dev/null; then
            echo "Packages are missing; as root, please run: apt-get install$missing" >&2
            return 1
        fi
        as_root=sudo
    fi
    apt="$as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300"
    log=$(mktemp) || return 1
    trap 'rm -f "$log"' EXIT
    echo "Installing$missing ..." >&2
    # An update may fail in part (one source of many); whether that matters, the install tells.
    $apt update >"$log" 2>&1 </dev/null
    if $apt install -y --no-install-recommends $missing >>"$log" 2>&1 </dev/null; then
        return 0
    fi
    tail -n 15 "$log" >&2
    echo "apt-get could not install these packages (its last words are above):$missing" >&2
    return 1
)

# Debian's own programs come first: a python3 from elsewhere would not see Debian's numpy.
export PATH="/usr/bin:/bin:$PATH"
