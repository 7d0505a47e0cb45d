#!/usr/bin/env bash
# deploy.sh up|down ENV [database|component|edge]: brings the stack, or a part of it, to what
# config/ENV says, or takes it away again and keeps the database's volumes and passwords.
# `make deploy` and `make undeploy` call it. Every step can be repeated, so a run that was
# interrupted is simply run again. YES=1 doesn't ask.
. "${0%/*}/common.sh" || exit
cd "${0%/*}/.."

action=${1-} env=${2-} part=${3:-all}
[[ $action = up || $action = down ]] || fail "usage: deploy.sh up|down ENV [database|component|edge]"
manifest=${MANIFEST:-spin.toml}
values=$config/$env/values.yaml
[[ -n $env && -r $values ]] || no_environment "$env" ", or make $values"
case $part in all | database | component | edge) ;; *) fail "there is no part '$part': database, component or edge" ;; esac
wants() { [[ $part = all || $part = "$1" ]]; }

# chart QUESTION...: runtime-host reads YAML and differences.
chart() { "$programs/runtime-host" chart "$@"; }
target=$(where_is "$env")
read -r context namespace app <<< "$target"

kubectl=$(scripts/tools.sh kubectl)
helm=$(scripts/tools.sh helm)
# Always the environment's own context, never the kubeconfig's current one.
kube() { "$kubectl" --context "$context" --namespace "$namespace" "$@"; }
helm() { "$helm" --kube-context "$context" --namespace "$namespace" "$@"; }
pg() { "$programs/pg-cluster" --env "$env" --config "$config" --context "$context" --namespace "$namespace" "$@"; }
host() { "$programs/runtime-host" "$@" --env "$env" --config "$config" --context "$context" --namespace "$namespace"; }

scratch
forward=''
trap '[[ -z $forward ]] || kill "$forward" 2> /dev/null || true; rm -rf "$work" || true' EXIT

reach() {
    "$kubectl" config get-contexts "$context" > /dev/null 2>&1 ||
        fail "the kubeconfig has no context '$context': make one, or write another under target in $values"
    kube get --raw /readyz --request-timeout=10s > /dev/null 2> "$work/error" ||
        fail "can't reach the cluster of context '$context': $(tail -n 1 "$work/error")"
    has_namespace=$(kube get namespace "$namespace" --ignore-not-found --output name)
}

# confirm QUESTION ANSWER
confirm() {
    [[ ${YES-} != 1 ]] || return 0
    [[ -t 0 ]] || fail "there is no terminal to ask on: look at the above, then write YES=1"
    local answer
    read -r -p "$1 " answer || true # no answer is one, too
    [[ $answer = "$2" ]] || fail "nothing was changed"
}

# --- The edge tier

render() {
    "$helm" template "$app" helm/todoozle --namespace "$namespace" --values "$values" --set-file "manifest=$manifest"
}

# What `helm upgrade` would apply; it adds these annotations itself.
edge_objects() {
    "$kubectl" annotate --local --filename "$work/edge.yaml" --output yaml \
        "meta.helm.sh/release-name=$app" "meta.helm.sh/release-namespace=$namespace"
}

edge_difference() {
    local code=0 known=()
    render > "$work/edge.yaml" || fail "the chart refuses $values, see above"
    if [[ $has_namespace ]]; then
        edge_objects | KUBECTL_EXTERNAL_DIFF='diff -ur' kube diff --server-side --force-conflicts --field-manager=helm \
            --filename - > "$work/difference" || code=$?
        ((code < 2)) || fail "the API server refuses the edge tier's objects, see above"
        known=(--difference "$work/difference")
        if helm get manifest "$app" > "$work/live.yaml" 2> /dev/null; then known+=(--live "$work/live.yaml"); fi
    fi
    chart changes "$work/edge.yaml" --namespace "$namespace" ${known[@]+"${known[@]}"}
}

# forget_interrupted removes what an interrupted helm has noted of its last run: it would wait
# for that to end for ever. The objects stay, and the next run goes on with them.
forget_interrupted() {
    local pending
    pending=$(kube get secret --output name \
        --selector "owner=helm,name=$app,status in (pending-install,pending-upgrade,pending-rollback)")
    [[ $pending ]] || return 0
    say "goes on where an earlier run was interrupted"
    # shellcheck disable=SC2086 # one name a word
    kube delete $pending > /dev/null
}

edge_up() {
    local secret force=''
    render > "$work/edge.yaml" || fail "the chart refuses $values, see above"
    secret=$(chart secret "$work/edge.yaml")
    kube get secret "$secret" > /dev/null 2>&1 ||
        fail "namespace $namespace has no Secret $secret, so the pods couldn't reach the database: make deploy ENV=$env PART=database"
    forget_interrupted
    # What was changed by hand since was shown above, and is taken back.
    ! "$helm" upgrade --help | grep -q -e --force-conflicts || force=--force-conflicts
    helm upgrade --install "$app" helm/todoozle ${force:+"$force"} --values "$values" \
        --set-file "manifest=$manifest" > "$work/helm" 2>&1 ||
        fail "helm: $(cat "$work/helm")"
    # Pods read the Secret when they start: another version of it rolls them, the same one doesn't.
    secret=$(kube get secret "$secret" --output 'jsonpath={.metadata.resourceVersion}')
    kube patch deployment "$app" --field-manager=deploy --patch \
        "{\"spec\":{\"template\":{\"metadata\":{\"annotations\":{\"todoozle/database-secret\":\"$secret\"}}}}}" > /dev/null
    # Where a component comes as well, the pods may need just that one to be ready.
    if wants component; then
        return
    elif kube get configmap "$app-live" > /dev/null 2>&1; then
        rolled_out
    else
        say "the pods wait for a component"
    fi
}

rolled_out() {
    kube rollout status "deployment/$app" --timeout=10m >&2 ||
        fail "not every pod of $app is ready; why: runtime-host status --env $env, or kubectl --context $context --namespace $namespace describe pods --selector app.kubernetes.io/name=$app"
}

# pods_gone waits for the end of all pods; `kubectl wait` fails when one ends before it looks.
pods_gone() {
    local end=$((SECONDS + 300)) left
    while left=$(kube get pods --selector "app.kubernetes.io/name=$app" --output name) && [[ $left ]]; do
        ((SECONDS < end)) || fail "these pods don't end: $left"
        sleep 0.3
    done
}

# --- From the outside

# answers: whether the page comes, through a port-forward that ends with this script.
answers() {
    local line port=''
    port=$(kube get service "$app" --output 'jsonpath={.spec.ports[0].port}')
    mkfifo "$work/forward"
    kube port-forward "service/$app" ":$port" > "$work/forward" 2> "$work/error" &
    forward=$!
    exec 4< "$work/forward" # stays open, because kubectl has more to say
    read -r line <&4 || fail "can't forward a port to $app: $(cat "$work/error")"
    port=${line#*127.0.0.1:} port=${port%% *}
    line=$(exec 3<> "/dev/tcp/127.0.0.1/$port" && printf 'GET / HTTP/1.0\r\nHost: %s\r\n\r\n' "$app" >&3 && head -n 1 <&3) || true
    [[ $line = *' 200 '* ]] || fail "the page answers '${line%$'\r'}' rather than 200: see runtime-host status --env $env"
    say "the page answers: ${line%$'\r'}"
}

address() {
    local where
    where=$(kube get service "$app" --output 'jsonpath={.status.loadBalancer.ingress[0].ip}{.status.loadBalancer.ingress[0].hostname}')
    if [[ $where ]]; then
        echo "http://$where/"
    else
        echo "kubectl --context $context --namespace $namespace port-forward service/$app 3000:$(kube get service "$app" --output 'jsonpath={.spec.ports[0].port}')"
        echo "and then http://127.0.0.1:3000/"
    fi
}

# --- The whole

show() {
    if wants database; then say "database:" && pg diff; fi
    if wants edge; then say "edge:" && edge_difference; fi
    if wants component; then
        say "component:"
        if [[ $has_namespace ]]; then host push --from "$manifest" --dry-run; else echo "new"; fi
    fi
}

up() {
    wants database && has_built pg-cluster deploy
    if wants database && [[ -e $config/$env/secrets.yaml ]]; then
        scripts/secrets.sh ready "$env"
        # pg-cluster decrypts in memory, with the sops on PATH.
        sops=$(scripts/tools.sh sops)
        ln -s "$sops" "$work/sops"
        export PATH=$PATH:$work
    fi
    [[ -r $manifest ]] || fail "there is no manifest $manifest: write MANIFEST=…"
    reach
    [[ $has_namespace ]] || wants database ||
        fail "there is no namespace $namespace: make deploy ENV=$env PART=database makes it"
    show
    confirm "Apply this to namespace $namespace of $context? [y/N]" y
    if wants database; then
        say "database: until it streams"
        pg --yes init > "$work/database"
        # Members that wait for nothing stay.
        pg --yes restart
    fi
    if wants edge; then say "edge: $app" && edge_up; fi
    if wants component; then
        say "component: until every pod has served it through its probation"
        host push --from "$manifest" "--wait=${WAIT:-passed}" --yes
        rolled_out
    fi
    if [[ $part != database ]] && kube get configmap "$app-live" > /dev/null 2>&1; then
        answers
        address
    fi
    say "done in $SECONDS s"
}

down() {
    wants database && has_built pg-cluster undeploy
    reach
    [[ $has_namespace ]] || fail "there is no namespace $namespace in $context: nothing to take away"
    say "takes away from namespace $namespace of $context: ${part/all/the edge tier, its components and the database, whose volumes and passwords stay}"
    confirm "Type the environment's name to go on:" "$env"
    if wants edge; then
        if helm status "$app" > /dev/null 2>&1; then helm uninstall "$app" >&2; fi
        kube delete job --selector "app.kubernetes.io/name=$app" --ignore-not-found >&2
        # The pods finish what is under way while the database is still there.
        pods_gone
        kube delete configmap --selector "app.kubernetes.io/name=$app,app.kubernetes.io/component=manifest" --ignore-not-found >&2
    fi
    if wants component; then
        kube delete configmap "$app-live" --ignore-not-found >&2
        kube delete configmap --selector "app.kubernetes.io/name=$app,app.kubernetes.io/component!=manifest" --ignore-not-found >&2
        wants edge || say "pods that run go on serving what they have: make undeploy PART=edge ends them"
    fi
    if wants database; then pg destroy --yes; fi
    say "done; make deploy ENV=$env brings it back"
}

"$action"
