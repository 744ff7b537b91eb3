#!/bin/sh
# A real API server and a real kube-proxy, which shows a kubelet's certificate: sync.sh KUBERNETES CONFIG RBAC
#
# KUBERNETES is a folder with kube-apiserver and kube-proxy, CONFIG what was baked for kube-proxy of the node n1, RBAC the bundle's objects.
# The caller gives it a network namespace of its own. It prints what the node's kube-proxy wrote about a Service, and what it said of the Node.
set -eu
kubernetes=$1 config=$2 rbac=$3
work=$(mktemp -d)
started=
end() {
    for process in $started; do kill "$process" 2>/dev/null || true; done
    wait 2>/dev/null || true
    rm -rf "$work"
}
trap end EXIT
cd "$work"
ip link set lo up
ip address add 10.20.4.11/32 dev lo

openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=ca -days 1 -keyout ca.key -out ca.pem 2>/dev/null
# certificate NAME SUBJECT [EXTENSION]
certificate() {
    openssl req -newkey rsa:2048 -nodes -subj "$2" -keyout "$1.key" -out "$1.csr" 2>/dev/null
    printf '%s\n' "${3:-extendedKeyUsage=clientAuth}" >"$1.ext"
    openssl x509 -req -in "$1.csr" -CA ca.pem -CAkey ca.key -CAcreateserial -days 1 -extfile "$1.ext" -out "$1.pem" 2>/dev/null
}
certificate server /CN=server 'subjectAltName=IP:127.0.0.1'
certificate admin /O=system:masters/CN=admin
certificate n1 /O=system:nodes/CN=system:node:n1
# kubeconfig NAME: as a kubelet writes it, with paths.
kubeconfig() {
    printf '{"apiVersion":"v1","kind":"Config","clusters":[{"name":"c","cluster":{"server":"https://127.0.0.1:6443","certificate-authority":"%s"}}],"users":[{"name":"u","user":{"client-certificate":"%s","client-key":"%s"}}],"contexts":[{"name":"x","context":{"cluster":"c","user":"u"}}],"current-context":"x"}' \
        "$work/ca.pem" "$work/$1.pem" "$work/$1.key" >"$1.kubeconfig"
}
kubeconfig admin
kubeconfig n1

etcd --data-dir etcd --unsafe-no-fsync --listen-client-urls http://127.0.0.1:2379 --advertise-client-urls http://127.0.0.1:2379 \
    --listen-peer-urls http://127.0.0.1:2380 --initial-advertise-peer-urls http://127.0.0.1:2380 --initial-cluster default=http://127.0.0.1:2380 \
    >etcd.log 2>&1 &
started=$!
"$kubernetes/kube-apiserver" --etcd-servers=http://127.0.0.1:2379 --bind-address=127.0.0.1 --advertise-address=10.20.4.11 \
    --tls-cert-file=server.pem --tls-private-key-file=server.key --client-ca-file=ca.pem --authorization-mode=Node,RBAC \
    --service-cluster-ip-range=10.96.0.0/16 --service-account-issuer=https://127.0.0.1 --service-account-key-file=ca.key \
    --service-account-signing-key-file=ca.key >apiserver.log 2>&1 &
started="$started $!"
kubectl() { command kubectl --kubeconfig admin.kubeconfig "$@"; }
# The roles that everybody has are written after the server is ready.
tries=0
until kubectl get clusterrole system:node-proxier >/dev/null 2>&1; do
    tries=$((tries + 1))
    [ $tries -lt 120 ] || { tail -n 5 apiserver.log >&2; exit 1; }
    sleep 0.5
done
kubectl apply -f "$rbac" >/dev/null
kubectl apply -f - >/dev/null <<OBJECTS
apiVersion: v1
kind: Node
metadata: {name: n1}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: default}
spec: {clusterIP: 10.96.0.77, ports: [{port: 80, targetPort: 8080}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: web-1, namespace: default, labels: {kubernetes.io/service-name: web}}
addressType: IPv4
endpoints: [{addresses: [10.244.1.5], conditions: {ready: true}, nodeName: n1}]
ports: [{port: 8080}]
OBJECTS
kubectl patch node n1 --subresource=status --type=merge \
    -p '{"status":{"addresses":[{"type":"InternalIP","address":"10.20.4.11"}]}}' >/dev/null

# All that differs from the node is where the kubeconfig is, and that a namespace may not set the size of the machine's table of connections.
sed "s,^  kubeconfig: .*,  kubeconfig: $work/n1.kubeconfig," "$config" >config.yaml
echo 'conntrack: {maxPerCore: 0, min: 0}' >>config.yaml
"$kubernetes/kube-proxy" --config=config.yaml --v=2 >proxy.log 2>&1 &
started="$started $!"
tries=0
until iptables-save -t nat 2>/dev/null | grep -q 10.244.1.5; do
    tries=$((tries + 1))
    [ $tries -lt 30 ] || { tail -n 5 proxy.log >&2; exit 1; }
    sleep 0.5
done
iptables-save -t nat | grep -E '10\.96\.0\.77|10\.244\.1\.5'
grep -iE 'nodeips|forbidden|not found|failed to retrieve' proxy.log || true
