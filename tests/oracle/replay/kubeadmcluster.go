package main

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// The machines of the cluster that kubeadm sets up before nodebake comes: a control plane, and a worker that joined it.
const (
	oldServer = "cp-1"
	oldWorker = "old-1.example.com"
)

var oldAddresses = map[string]string{oldServer: "172.27.142.2", oldWorker: "172.27.142.3"}

const socket = "unix:///run/containerd/containerd.sock"

// existingURL is where the API server of that cluster is.
var existingURL = "https://" + oldAddresses[oldServer] + ":6443"

// etcdTag is the version of the etcd that this run has; kubeadm would take one that is a patch newer.
const etcdTag = "3.5.23-0"

// existing are the machines of that cluster.
func (r *replay) existing() []*node {
	return []*node{r.nodes.named[oldServer], r.nodes.named[oldWorker]}
}

// prepareKubeadm makes the namespaces, and machines with Kubernetes' packages and no payload.
func (r *replay) prepareKubeadm() error {
	r.cp = &controlPlane{version: r.version, folder: r.folder}
	var err error
	if r.cp.kubectlProgram, err = kubectlFor(r.options, r.version); err != nil {
		return err
	}
	if err := r.ownNamespaces(); err != nil {
		return err
	}
	health, err := r.healthImage()
	if err != nil {
		return err
	}
	for name, image := range map[string]string{"pause": pauseImage, "hello": helloImage, "health": health} {
		path := r.memory(name + ".tar")
		if err := writeImage(path, image, name); err != nil {
			return err
		}
		r.images = append(r.images, path)
	}
	r.project = &project{addresses: oldAddresses}
	server := r.packaged(oldServer)
	images, err := r.controlPlaneImages(r.From)
	if err != nil {
		return err
	}
	server.Images = append(append([]string(nil), r.images...), images...)
	r.log = server.kubeletLog()
	for _, n := range []*node{server, r.packaged(oldWorker)} {
		if err := n.rootWithKubeadm(r.program(r.From, "kubeadm")); err != nil {
			return err
		}
		if err := n.start(); err != nil {
			return err
		}
	}
	return nil
}

// healthImage is the image of the job by which `kubeadm upgrade apply` sees that the cluster runs pods: that of pause.
func (r *replay) healthImage() (string, error) {
	said, err := ask(r.program(r.version, "kubeadm"), "config", "images", "list", "--kubernetes-version", r.version)
	for _, image := range strings.Fields(said) {
		if strings.Contains(image, "/pause:") {
			return image, err
		}
	}
	return "", fmt.Errorf("kubeadm names no image of pause: %s %v", said, err)
}

// packaged is a machine with Kubernetes' packages of the first version.
func (r *replay) packaged(name string) *node {
	n := r.newNode("kubeadm", name)
	n.Kubelet = r.program(r.From, "kubelet")
	return n
}

// controlPlaneImages are the images that kubeadm's static pods name, as archives: each has one program, and no library.
func (r *replay) controlPlaneImages(version string) (paths []string, err error) {
	programs := map[string]string{"etcd:" + etcdTag: filepath.Join(filepath.Dir(r.Kubernetes), "etcd/etcd")}
	for _, name := range []string{"kube-apiserver", "kube-controller-manager", "kube-scheduler"} {
		programs[name+":"+version] = r.program(version, name)
	}
	for name, program := range programs {
		short, _, _ := strings.Cut(name, ":")
		path := r.memory(short + "-" + version + ".tar")
		if err := writeProgram(path, "registry.k8s.io/"+name, program, "/usr/local/bin/"+short); err != nil {
			return nil, err
		}
		paths = append(paths, path)
	}
	return paths, nil
}

// kubeadmInit: the real `kubeadm init`, whole: certificates, kubeconfigs, static pods that the kubelet starts, ConfigMaps, RBAC, add-ons.
func (r *replay) kubeadmInit() {
	server := r.existing()[0]
	r.step(server.format, "kubeadm-init", "kubeadm "+r.From+" init makes a control plane of static pods on "+server.Name, func() (string, error) {
		config := fmt.Sprintf(`apiVersion: kubeadm.k8s.io/v1beta4
kind: InitConfiguration
nodeRegistration:
  name: %[1]s
  criSocket: %[4]s
  imagePullPolicy: Never
  kubeletExtraArgs: [{name: node-ip, value: %[2]s}]
localAPIEndpoint: {advertiseAddress: %[2]s, bindPort: 6443}
---
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
clusterName: existing
kubernetesVersion: %[3]s
controlPlaneEndpoint: %[2]s:6443
networking: {serviceSubnet: 10.254.0.0/16, podSubnet: 172.30.0.0/16, dnsDomain: cluster.local}
etcd: {local: {imageTag: %[5]s, extraArgs: [{name: unsafe-no-fsync, value: "true"}]}}
---
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
cgroupDriver: cgroupfs
serverTLSBootstrap: true
maxPods: 77
fileCheckFrequency: 1s
%[6]s`, server.Name, server.Address, r.From, socket, etcdTag, withSwap())
		if err := os.WriteFile(server.in("init.yaml"), []byte(config), 0o600); err != nil {
			return "", err
		}
		if err := r.powered(server); err != nil {
			return "", err
		}
		said, err := server.inside("kubeadm", "init", "--config=/init.yaml", "--ignore-preflight-errors=SystemVerification")
		if err != nil {
			return said, err
		}
		if err := server.forgets(); err != nil {
			return "", err
		}
		return "etcd, API server, controller manager and scheduler run in containers", r.administers(server)
	})
	r.step(server.format, "control-plane-of-kubeadm", "the static pods run with the command lines that kubeadm wrote", func() (string, error) {
		wanted := []string{"etcd-", "kube-apiserver-", "kube-controller-manager-", "kube-scheduler-"}
		var said string
		return said, waitFor("all four are Running", soon, r.log, func() (string, bool) {
			var err error
			said, err = r.cp.kubectl("-n", "kube-system", "get", "pods", "-l", "tier=control-plane", "--field-selector=status.phase=Running", "-o", "name")
			for _, one := range wanted {
				if err == nil && !strings.Contains(said, "pod/"+one+server.Name) {
					err = fmt.Errorf("no %s", one)
				}
			}
			return fmt.Sprint(said, err), err == nil
		})
	})
}

// powered waits until a machine's container runtime has its images.
func (r *replay) powered(n *node) error {
	return waitFor(n.Name+" has its images", soon, n.log("containerd"), func() (string, bool) {
		if err := n.complaint(); err != nil {
			return err.Error(), false
		}
		// Its kubelet starts after that. /run is the machine's own, and seen from inside only.
		_, err := n.inside("test", "-e", kubeletPID)
		return fmt.Sprint(err), err == nil
	})
}

// forgets empties the kubelet's log: before kubeadm ran it could not start, and said so.
func (n *node) forgets() error { return os.Truncate(n.kubeletLog(), 0) }

// administers takes admin.conf, and the CA that kubeadm made.
func (r *replay) administers(server *node) error {
	r.cp.kubeconfig = server.in("etc/kubernetes/admin.conf")
	r.cp.ca = &authority{folder: filepath.Join(r.folder, "pki")}
	if err := os.MkdirAll(r.cp.ca.folder, 0o700); err != nil {
		return err
	}
	text, err := os.ReadFile(r.cp.kubeconfig)
	if err != nil {
		return err
	}
	for key, name := range map[string]string{
		"certificate-authority-data": "ca.pem", "client-certificate-data": "admin.pem", "client-key-data": "admin-key.pem",
	} {
		_, after, _ := strings.Cut(string(text), key+": ")
		encoded, _, _ := strings.Cut(after, "\n")
		decoded, err := base64.StdEncoding.DecodeString(strings.TrimSpace(encoded))
		if err != nil || len(decoded) == 0 {
			return fmt.Errorf("admin.conf has no %s: %v", key, err)
		}
		if err := os.WriteFile(r.cp.ca.file(name), decoded, 0o600); err != nil {
			return err
		}
	}
	r.cp.admin, err = r.cp.ca.caller(existingURL, "admin", "")
	return err
}

// kubeadmJoin: a worker that joins as kubeadm's users do it.
func (r *replay) kubeadmJoin() {
	worker := r.existing()[1]
	r.step(worker.format, "kubeadm-join", "kubeadm "+r.From+" join makes "+worker.Name+" a node", func() (string, error) {
		said, err := r.existing()[0].inside("kubeadm", "token", "create", "--print-join-command")
		if err != nil {
			return said, err
		}
		// kubeadm join HOST:PORT --token TOKEN --discovery-token-ca-cert-hash HASH
		words := strings.Fields(said)
		if len(words) < 7 {
			return said, fmt.Errorf("not a command that joins")
		}
		config := fmt.Sprintf(`apiVersion: kubeadm.k8s.io/v1beta4
kind: JoinConfiguration
discovery: {bootstrapToken: {apiServerEndpoint: %q, token: %q, caCertHashes: [%q]}}
nodeRegistration:
  name: %s
  criSocket: %s
  kubeletExtraArgs: [{name: node-ip, value: %s}, {name: node-labels, value: %s=r0}]
`, words[2], words[4], words[6], worker.Name, socket, worker.Address, ownLabel)
		if err := os.WriteFile(worker.in("join.yaml"), []byte(config), 0o600); err != nil {
			return "", err
		}
		if err := r.powered(worker); err != nil {
			return "", err
		}
		if said, err = worker.inside("kubeadm", "join", "--config=/join.yaml", "--ignore-preflight-errors=SystemVerification"); err != nil {
			return said, err
		}
		return "it runs kubelet " + r.From, worker.forgets()
	})
	for _, n := range r.existing() {
		if _, err := n.layNetwork(); err != nil {
			r.broken("laying the network of "+n.Name, err)
		}
	}
	for _, n := range r.existing() {
		r.step(n.format, "old-node-ready", n.Name+" is Ready, and its administrator approved its serving certificate", func() (string, error) {
			if err := r.approvesServing(n); err != nil {
				return "", err
			}
			seen, err := r.readyAt(n, r.From, time.Time{})
			if err != nil {
				return seen, err
			}
			more, err := r.answersByTLS(n)
			return seen + ", " + more, err
		})
	}
}

// approvesServing is what an administrator does without nodebake. A kubelet that was started again asks once more.
func (r *replay) approvesServing(n *node) error {
	return waitFor(n.Name+" has its serving certificate", soon, n.kubeletLog(), func() (string, bool) {
		if _, err := os.Stat(n.resolved(n.certDir() + "/kubelet-server-current.pem")); err == nil {
			return "", true
		}
		requests, err := r.requests("system:node:" + n.Name)
		if err != nil {
			return err.Error(), false
		}
		for _, one := range requests {
			if one.state() == "Pending" {
				_, err = r.cp.kubectl("certificate", "approve", one.Metadata.Name)
			}
		}
		return fmt.Sprint(len(requests), " request(s) ", err), false
	})
}

// asksAgain: an old node's serving certificate is lost, and its kubelet asks for another one.
func (r *replay) asksAgain() {
	worker := r.existing()[1]
	r.step(worker.format, "old-node-asks-again", worker.Name+" lost its serving certificate and asks for one", func() (string, error) {
		pairs, err := filepath.Glob(worker.in("var/lib/kubelet/pki/kubelet-server-*.pem"))
		if err != nil || len(pairs) == 0 {
			return "", fmt.Errorf("it has none: %v", err)
		}
		for _, pair := range pairs {
			if err := os.Remove(pair); err != nil {
				return "", err
			}
		}
		if said, err := worker.inside("systemctl", "restart", "kubelet"); err != nil {
			return said, err
		}
		waiting, err := r.requestIn(worker, "system:node:"+worker.Name, "Pending", soon)
		return waiting.Metadata.Name + " is " + waiting.state(), err
	})
}

// oldNodesUnharmed: `csr review --apply` and all that came with the new nodes left the old ones as they were.
func (r *replay) oldNodesUnharmed() {
	for _, n := range r.existing() {
		r.step(n.format, "old-node-unharmed", n.Name+" is Ready with its serving certificate, has no payload and no token, and none of its requests is denied",
			func() (string, error) {
				if _, err := os.Stat(r.project.out("nodes", n.Name)); err == nil {
					return "", fmt.Errorf("there is a payload for it")
				}
				if r.project.tokens[n.Name] != "" {
					return "", fmt.Errorf("there is a token for it")
				}
				seen, err := r.waitReady(n, time.Now())
				if err != nil {
					return seen, err
				}
				requests, err := r.requests("system:node:" + n.Name)
				if err != nil {
					return seen, err
				}
				issued := 0
				for _, one := range requests {
					switch one.state() {
					case "Approved,Issued":
						issued++
					case "Pending": // its kubelet asked once more, and the newer request counts
					default:
						return seen, fmt.Errorf("%s of it is %s", one.Metadata.Name, one.state())
					}
				}
				if seen, err = r.answersByTLS(n); err != nil {
					return seen, err
				}
				if said, err := r.cp.kubectl("get", "--raw", "/api/v1/nodes/"+n.Name+"/proxy/healthz"); err != nil || said != "ok" {
					return said, fmt.Errorf("the API server does not reach it: %v", err)
				}
				m, err := r.node(n.Name)
				if err == nil && n.Name == oldWorker && m.Metadata.Labels[ownLabel] != "r0" {
					err = fmt.Errorf("it has other labels")
				}
				return fmt.Sprintf("%s; %d of %d request(s) issued; labels %v", seen, issued, len(requests), m.Metadata.Labels), err
			})
	}
}

// kubeadmUpgradeApply: the control plane goes to the next minor, by kubeadm alone.
func (r *replay) kubeadmUpgradeApply() {
	server := r.existing()[0]
	r.step(server.format, "kubeadm-upgrade-apply", "kubeadm "+r.version+" upgrade apply brings the control plane to its version", func() (string, error) {
		images, err := r.controlPlaneImages(r.version)
		if err != nil {
			return "", err
		}
		for _, image := range images {
			at := "images/" + filepath.Base(image)
			if err := os.Link(image, server.in(at)); err != nil {
				return "", err
			}
			if said, err := server.inside("ctr", "-n", "k8s.io", "images", "import", "/"+at); err != nil {
				return said, err
			}
		}
		// From inside: its /usr is mounted over this machine's.
		if err := do("cp", r.program(r.version, "kubeadm"), server.in("kubeadm-next")); err != nil {
			return "", err
		}
		if said, err := server.inside("install", "/kubeadm-next", "/usr/bin/kubeadm"); err != nil {
			return said, err
		}
		config := fmt.Sprintf(`apiVersion: kubeadm.k8s.io/v1beta4
kind: UpgradeConfiguration
apply:
  kubernetesVersion: %s
  forceUpgrade: true
  etcdUpgrade: false
  imagePullPolicy: Never
  ignorePreflightErrors: [SystemVerification]
`, r.version)
		if err := os.WriteFile(server.in("upgrade.yaml"), []byte(config), 0o600); err != nil {
			return "", err
		}
		said, err := server.inside("kubeadm", "upgrade", "apply", "--config=/upgrade.yaml")
		if err != nil {
			return said, err
		}
		said, err = r.cp.kubectl("version", "-o", "json")
		if err == nil {
			err = says(said, `"gitVersion": "`+r.version+`"`)
		}
		return oneLine(said), err
	})
}
