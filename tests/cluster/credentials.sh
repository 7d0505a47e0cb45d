# shellcheck shell=bash
# Read by `node`: a certificate authority, and for each part of the node a
# certificate and a kubeconfig, in pki/. Makes only what is missing.

# openssl tells of its progress where others tell of failures only.
openssl() {
    local said
    said=$(command openssl "$@" 2>&1) || fail "openssl $1: $said"
}
new_key=(-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes)
[[ -e pki/ca.crt ]] || openssl req -x509 "${new_key[@]}" -days 365 -subj /CN=todoozle-test -addext keyUsage=critical,keyCertSign,cRLSign \
    -keyout pki/ca.key -out pki/ca.crt

# identity NAME SUBJECT [ADDRESSES]: a server's certificate names its addresses.
identity() {
    [[ ! -e pki/$1.kubeconfig ]] || return 0
    openssl req -new "${new_key[@]}" -subj "$2" -keyout "pki/$1.key" -out "pki/$1.csr"
    openssl x509 -req -in "pki/$1.csr" -CA pki/ca.crt -CAkey pki/ca.key -CAcreateserial -days 365 -out "pki/$1.crt" \
        -extfile <(echo "extendedKeyUsage=clientAuth,serverAuth" && echo "${3:+subjectAltName=$3}")
    # Renamed at the end: `up` hands this one out as soon as it is there.
    cat > "pki/$1.new" <<YAML
apiVersion: v1
kind: Config
current-context: todoozle-test
contexts: [{name: todoozle-test, context: {cluster: todoozle-test, user: $1}}]
clusters: [{name: todoozle-test, cluster: {server: "https://$NODE_IP:6443", certificate-authority-data: $(base64 -w0 pki/ca.crt)}}]
users: [{name: $1, user: {client-certificate-data: $(base64 -w0 "pki/$1.crt"), client-key-data: $(base64 -w0 "pki/$1.key")}}]
YAML
    mv "pki/$1.new" "pki/$1.kubeconfig"
}
umask 077
identity apiserver /O=system:masters/CN=kube-apiserver \
    "IP:$NODE_IP,IP:$API_IP,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc"
identity kubelet "/O=system:nodes/CN=system:node:$NODE" "IP:$NODE_IP"
identity kube-controller-manager /CN=system:kube-controller-manager
identity kube-scheduler /CN=system:kube-scheduler
identity kube-proxy /CN=system:kube-proxy
identity admin /O=system:masters/CN=admin
umask 022
