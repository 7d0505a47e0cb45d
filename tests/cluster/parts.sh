# shellcheck shell=bash disable=SC2154 # the names are those of common.sh
# What takes minutes and is kept in the cache: `prepare` makes all of it, the other commands
# of this folder what they need.

# once WHAT FILE COMMAND...: has COMMAND make FILE, unless it is there. Each FILE has a lock of its own, so
# that only who needs the same waits, and the node's lock is never held for it.
once() {
    local what=$1 file=$2 lock started=$SECONDS
    if [[ ! -e $file ]]; then
        mkdir -p "$cache"
        exec {lock}> "$file.lock"
        flock -n "$lock" || { say "waiting for another command that makes this now: $what"; flock "$lock"; }
        if [[ ! -e $file ]]; then
            say "$what: once"
            "${@:3}"
            say "$what: done in $((SECONDS - started)) s"
        fi
        exec {lock}>&-
    fi
    # In use; once a day, because tar refuses a file that changes while it reads it.
    [[ $(find "$file" -maxdepth 0 -mtime -1) ]] || touch "$file"
}

# install_packages asks Debian for the commands that this machine lacks.
install_packages() {
    local command missing=() started=$SECONDS
    declare -A package=([containerd]=containerd [runc]=runc [conntrack]=conntrack [nft]=nftables
        [mmdebstrap]=mmdebstrap [openssl]=openssl [ip]=iproute2 [unshare]=util-linux [pgrep]=procps
        [sysctl]=procps [pip3]=python3-pip [gcc]=gcc [/usr/include/unistd.h]=libc6-dev [go]=golang-go
        [$CNI_PLUGINS/ptp]=containernetworking-plugins
        [/usr/share/keyrings/debian-archive-keyring.gpg]=debian-archive-keyring)
    for command in "${!package[@]}"; do
        [[ $command = /* && -e $command ]] || command -v "$command" > /dev/null || missing+=("${package[$command]}")
    done
    ((${#missing[@]})) || return 0
    command -v apt-get > /dev/null || fail "install these first (names of Debian's packages): ${missing[*]}"
    say "installing ${missing[*]}"
    mkdir -p "$cache"
    # Another run of apt is waited for.
    { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install -qy --no-install-recommends "${missing[@]}"; } \
        > "$cache/apt.log" 2>&1 || fail "apt-get can't install ${missing[*]}: see $cache/apt.log"
    say "installed in $((SECONDS - started)) s"
}

build_components() { once "building Kubernetes $KUBERNETES, 4 to 10 minutes on 2 cores" "$components" make_components; }
make_components() {
    local name version=k8s.io/component-base/version
    "$repo/scripts/go.sh" build "$components.new/components" ./node \
        "-X $version.gitVersion=v$KUBERNETES -X $version.gitMajor=1 -X $version.gitMinor=${KUBERNETES:2:2}"
    for name in etcd kube-apiserver kube-controller-manager kube-scheduler kubelet kube-proxy coredns volumes kubectl; do
        ln -sf components "$components.new/$name"
    done
    mv "$components.new" "$components"
}

# suite FOLDER prints Debian's suite of an image's last stage.
suite() { sed -n 's/^FROM .*debian:\([a-z]*\)-slim.*/\1/p' "$1/Containerfile" | tail -n 1; }

# packages_layer NAME prints the path of the layer that the files of an image make.
packages_layer() {
    local from=$repo/images/$1 tar
    tar=$cache/packages-$1-$(cat "$from"/*.sh "$from"/*.txt <(echo "$(suite "$from") $(dpkg --print-architecture)") | sha256sum | cut -c1-12).tar
    once "packing the packages of image $1, 1 to 3 minutes" "$tar" pack_packages "$from" "$tar"
    echo "$tar"
}
pack_packages() {
    local from=$1 tar=$2 suite more=() sources=()
    suite=$(suite "$from")
    if [[ -e $from/sources.txt ]]; then # beside the suite's own
        mapfile -t sources < "$from/sources.txt"
        sources+=("deb http://deb.debian.org/debian $suite main")
    fi
    rm -f "$tar" "$tar.new" "$tar.sha256"
    if [[ -e $from/requirements.txt ]]; then
        rm -rf "$tar.wheels"
        pip3 download --quiet --no-deps --require-hashes --dest "$tar.wheels" --requirement "$from/requirements.txt" >&2 ||
            fail "pip3 can't fetch what $from/requirements.txt names: see what it says above"
        more=("--customize-hook=copy-in '$tar.wheels' /tmp" "--customize-hook=chroot \"\$1\" sh -s '/tmp/${tar##*/}.wheels' < '$from/patroni.sh'"
            "--customize-hook=rm -rf \"\$1/tmp/${tar##*/}.wheels\"")
    fi
    mmdebstrap --quiet --variant=essential --format=tar --include="$(paste -sd, "$from/packages.txt")" \
        --aptopt='APT::Install-Recommends "false"' --aptopt='Acquire::Check-Valid-Until "false"' --dpkgopt=force-unsafe-io \
        --essential-hook="chroot \"\$1\" sh < '$from/prepare.sh'" "${more[@]}" \
        "$suite" "$tar.new" "${sources[@]}" >&2
    rm -rf "$tar.wheels"
    sha256sum < "$tar.new" > "$tar.sha256" # once: it is big
    mv "$tar.new" "$tar"
}
