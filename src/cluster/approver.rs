//! What the approver runs with: its namespace, its rights and no others, its Deployment. In: plain facts. Out: text with
//! stable bytes.

use crate::yaml::quoted;

/// The approver of a cluster.
#[derive(Clone, Debug)]
pub struct ApproverObjects<'a> {
    /// The cluster's name.
    pub cluster: &'a str,
    /// Its image, by digest.
    pub image: &'a str,
    /// The key that the extract is verified with: the base64 of its SubjectPublicKeyInfo.
    pub public_key: &'a str,
}

/// Where it runs. Its Lease has the same name.
const NAME: &str = "nodebake-approver";

/// Text of `approver/kustomization.yaml`.
pub fn approver_kustomization(is_packed: bool, is_signed: bool) -> String {
    let note = if is_signed {
        ""
    } else {
        "# This build had no key. In a copy of this folder: ssh-keygen -Y sign -n nodebake -f KEY review.json,\n\
         # and rename review.json.sig to review.json.sshsig.\n"
    };
    let file = if is_packed {
        "review.json.gz"
    } else {
        "review.json"
    };
    format!(
        "\
# Before the nodes boot, and again after each build: kubectl apply -k approver
{note}apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources:
- approver.yaml
configMapGenerator:
- name: review
  namespace: {NAME}
  files:
  - {file}
  - review.json.sshsig
generatorOptions:
  disableNameSuffixHash: true
"
    )
}

/// Text of `approver/approver.yaml`.
pub fn approver(objects: &ApproverObjects<'_>) -> String {
    NAMESPACE.to_owned() + RBAC + LEASE + &deployment(objects)
}

const NAMESPACE: &str = "\
---
apiVersion: v1
kind: Namespace
metadata:
  name: nodebake-approver
  labels:
    pod-security.kubernetes.io/enforce: restricted
---
apiVersion: v1
kind: ServiceAccount
metadata:
  name: nodebake-approver
  namespace: nodebake-approver
";

/// Each verb is one call of the program (its src/bin/nodebake-approver/api.rs); the replay takes each away and sees what fails.
const RBAC: &str = "\
---
# Requests of two signers are seen and decided, and nothing else in the cluster.
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: nodebake-approver
rules:
- apiGroups: [\"certificates.k8s.io\"]
  resources: [\"certificatesigningrequests\"]
  verbs: [\"list\", \"watch\"]
- apiGroups: [\"certificates.k8s.io\"]
  resources: [\"certificatesigningrequests/approval\"]
  verbs: [\"patch\"]
- apiGroups: [\"certificates.k8s.io\"]
  resources: [\"signers\"]
  resourceNames: [\"kubernetes.io/kube-apiserver-client-kubelet\", \"kubernetes.io/kubelet-serving\"]
  verbs: [\"approve\"]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: nodebake-approver
subjects:
- kind: ServiceAccount
  name: nodebake-approver
  namespace: nodebake-approver
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: nodebake-approver
---
# Events about objects of no namespace are in this one.
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: nodebake-approver
  namespace: default
rules:
- apiGroups: [\"\"]
  resources: [\"events\"]
  verbs: [\"create\"]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: nodebake-approver
  namespace: default
subjects:
- kind: ServiceAccount
  name: nodebake-approver
  namespace: nodebake-approver
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: nodebake-approver
---
# One Lease, which is below.
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: nodebake-approver
  namespace: nodebake-approver
rules:
- apiGroups: [\"coordination.k8s.io\"]
  resources: [\"leases\"]
  resourceNames: [\"nodebake-approver\"]
  verbs: [\"get\", \"update\"]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: nodebake-approver
  namespace: nodebake-approver
subjects:
- kind: ServiceAccount
  name: nodebake-approver
  namespace: nodebake-approver
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: nodebake-approver
";

const LEASE: &str = "\
---
# Here, so that the approver need not create it. It remembers the newest extract: whoever deletes it lets an older one in.
apiVersion: coordination.k8s.io/v1
kind: Lease
metadata:
  name: nodebake-approver
  namespace: nodebake-approver
";

/// It passes the pod security standard `restricted`. It runs on a control plane if there is a node of that role: it must run
/// before the nodes that it approves.
fn deployment(objects: &ApproverObjects<'_>) -> String {
    let argument = |name: &str, value: &str| quoted(&format!("--{name}={value}"));
    let cluster = argument("cluster", objects.cluster);
    let key = argument("public-key", objects.public_key);
    let image = quoted(objects.image);
    format!(
        "\
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: nodebake-approver
  namespace: nodebake-approver
spec:
  replicas: 2
  selector:
    matchLabels:
      app.kubernetes.io/name: nodebake-approver
  template:
    metadata:
      labels:
        app.kubernetes.io/name: nodebake-approver
    spec:
      serviceAccountName: nodebake-approver
      priorityClassName: system-cluster-critical
      tolerations:
      - key: node-role.kubernetes.io/control-plane
        operator: Exists
        effect: NoSchedule
      - key: node-role.kubernetes.io/master
        operator: Exists
        effect: NoSchedule
      - key: node.cloudprovider.kubernetes.io/uninitialized
        operator: Exists
        effect: NoSchedule
      affinity:
        nodeAffinity:
          preferredDuringSchedulingIgnoredDuringExecution:
          - weight: 100
            preference:
              matchExpressions:
              - key: node-role.kubernetes.io/control-plane
                operator: Exists
        podAntiAffinity:
          preferredDuringSchedulingIgnoredDuringExecution:
          - weight: 50
            podAffinityTerm:
              topologyKey: kubernetes.io/hostname
              labelSelector:
                matchLabels:
                  app.kubernetes.io/name: nodebake-approver
      securityContext:
        runAsNonRoot: true
        runAsUser: 65532
        runAsGroup: 65532
        seccompProfile:
          type: RuntimeDefault
      containers:
      - name: approver
        image: {image}
        args:
        - {cluster}
        - {key}
        env:
        - name: POD_NAME
          valueFrom:
            fieldRef:
              fieldPath: metadata.name
        - name: POD_NAMESPACE
          valueFrom:
            fieldRef:
              fieldPath: metadata.namespace
        ports:
        - name: http
          containerPort: 8080
        livenessProbe:
          httpGet:
            path: /healthz
            port: http
          periodSeconds: 30
          failureThreshold: 3
        readinessProbe:
          httpGet:
            path: /readyz
            port: http
          periodSeconds: 5
        resources:
          requests:
            cpu: 20m
            memory: 32Mi
          limits:
            memory: 128Mi
        securityContext:
          allowPrivilegeEscalation: false
          readOnlyRootFilesystem: true
          capabilities:
            drop: [\"ALL\"]
        volumeMounts:
        - name: review
          mountPath: /etc/nodebake/review
          readOnly: true
      volumes:
      - name: review
        configMap:
          name: review
"
    )
}
