# shellcheck shell=bash disable=SC2034 # the names are for the scripts that read this
# What the commands of this folder share: names, places, and how they speak.
. "${BASH_SOURCE[0]%/*}/../../scripts/common.sh" || exit
me=cluster

# Nothing below works elsewhere.
instead="or set TODOOZLE_TEST_CONTEXT to a cluster for tests (kind, minikube, k3d)"
[[ $(uname -s) = Linux ]] || fail "the test node needs Linux: run this there, $instead"
[[ $EUID = 0 ]] || fail "the test node needs root: run this with sudo, $instead"

here=$(cd "${BASH_SOURCE[0]%/*}" && pwd)
repo=$(cd "$here/../.." && pwd)
readonly here repo
readonly state=$repo/target/cluster
readonly cache=$caches/cluster

# The node's program, and all that it is built from.
readonly tools=$repo/scripts/tools
KUBERNETES=$(< "$tools/go.mod") KUBERNETES=${KUBERNETES#*k8s.io/kubernetes v} KUBERNETES=${KUBERNETES%%[[:space:]]*}
components=$cache/components-$KUBERNETES-$(cat "$tools"/go.* "$tools"/node/* "$repo/scripts/go.sh" | sha256sum | cut -c1-12)
readonly KUBERNETES components

# The node has a network of its own. This link is the only way in, and none leads out.
readonly LINK=todoozle0 HOST_IP=10.200.0.2
readonly NODE=node1 NODE_IP=10.200.0.1
readonly PODS=10.244.0.0/24 SERVICES=10.96.0.0/16 API_IP=10.96.0.1 DNS_IP=10.96.0.10
readonly CGROUP=todoozle-test
readonly CNI_PLUGINS=/usr/lib/cni

# reference NAME prints what images/NAME is called.
reference() { sed -n 's/.* -t \(localhost[^ ]*\) .*/\1/p' "$repo/images/$1/Containerfile"; }

# exclusively lets one command of this folder run at a time on the whole machine.
# The commands that it calls itself are under its lock.
exclusively() {
    [[ -z ${todoozle_cluster_lock-} ]] || return 0
    mkdir -p "$cache"
    exec {todoozle_cluster_lock}> "$cache/lock"
    flock -n "$todoozle_cluster_lock" || {
        say "waiting for another command of tests/cluster to end"
        flock "$todoozle_cluster_lock"
    }
    export todoozle_cluster_lock
}

# node_pid prints the first process of the test node of this machine, if it runs.
# NSpid in its status has two numbers: its id here, and 1 in its own namespace.
node_pid() {
    local pid
    for pid in $(pgrep -fx 'bash /.*/tests/cluster/node' || true); do
        awk '/^NSpid:/ && NF == 3 && $3 == 1 { print $2 }' "/proc/$pid/status" 2> /dev/null || true
    done
}
node_runs() { [[ $(node_pid) ]]; }
# node_ended is true once a node that was killed is gone with all its children.
node_ended() { ! pgrep -fx 'unshare .* /.*/tests/cluster/node'; }
node_checkout() { tr '\0' '\n' < "/proc/$1/cmdline" | sed -n 's|/tests/cluster/node$||p'; }

# node_ctr PID ARGUMENT... runs containerd's client; the socket is in the node's /run.
node_ctr() { ctr -a "/proc/$1/root/run/containerd/containerd.sock" -n k8s.io "${@:2}"; }

# cgroup_roots prints the root of every hierarchy: one in version 2, many in version 1.
cgroup_roots() { awk '$3 == "cgroup" || $3 == "cgroup2" { print $2 }' /proc/mounts; }

# await WHAT SECONDS COMMAND... repeats COMMAND until it succeeds.
await() {
    local end=$((SECONDS + $2))
    until "${@:3}" > /dev/null 2>&1; do
        if ((SECONDS >= end)); then
            tail -n 5 "$state"/log/*.log >&2 || true
            fail "waited $2 s for $1 in vain; $state/log may tell why, it ends as above"
        fi
        sleep 0.1
    done
}

# thaw lets frozen processes see that they were killed (cgroup version 1).
thaw() {
    local at=/sys/fs/cgroup/freezer/$CGROUP
    [[ ! -d $at ]] || find "$at" -name freezer.state -exec sh -c 'for at; do echo THAWED > "$at"; done' sh {} +
}

remove_cgroups() {
    local at
    for at in $(cgroup_roots); do
        [[ ! -d $at/$CGROUP ]] || find "$at/$CGROUP" -depth -type d -exec rmdir {} + || return 1
    done
}

# await_end waits until nothing is left that a killed node ran in.
await_end() {
    thaw
    await "the node to end" 30 node_ended
    await "the node's control groups to be empty" 30 remove_cgroups
}
