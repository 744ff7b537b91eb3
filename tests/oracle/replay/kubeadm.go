package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// The nodes that are added to a cluster of kubeadm's.
var added = []string{"added-1", "added-2.example.com"}

const annotation = "kubeadm.alpha.kubernetes.io/cri-socket"

// kubeadmCluster is the whole way into a cluster that kubeadm set up: `kubeadm init` and `join`, what kubectl prints of it, `nodebake import`,
// two nodes more with the profile `kubeadm`, and kubeadm's upgrade to the next minor.
func (r *replay) kubeadmCluster() {
	r.kubeadmInit()
	r.kubeadmJoin()
	r.imported()
	nodes := r.bootKubeadm()
	r.asksAgain()
	r.joinsByReview(nodes)
	for _, n := range nodes {
		r.step(n.format, "cni-laid", "a CNI configuration in /etc/cni/net.d", func() (string, error) { return n.layNetwork() })
	}
	for _, n := range nodes {
		r.step(n.format, "ready-with-cni", n.Name+" is Ready with "+r.From, func() (string, error) { return r.readyAt(n, r.From, time.Time{}) })
		r.podRuns(n)
	}
	r.oldNodesUnharmed()
	r.configzEqual(nodes[0])
	r.annotated(nodes)
	r.kubeadmUpgradeApply()
	for _, n := range nodes {
		r.upgradesByKubeadm(n)
	}
	r.oldNodesUnharmed()
	r.resetByKubeadm(nodes[0])
	for _, n := range nodes {
		n.stop()
	}
}

// program is a program of one Kubernetes version.
func (r *replay) program(version, name string) string {
	return filepath.Join(r.Kubernetes, version, name)
}

// withSwap is what this machine's kubelets need beside cgroups without systemd.
func withSwap() string {
	if strings.Contains(machineProfile(), "failSwapOn") {
		return "failSwapOn: false\n"
	}
	return ""
}

// dump is what kubectl prints of the cluster, in a file.
func (r *replay) dump(name string) (string, error) {
	dump := ""
	for _, args := range [][]string{
		{"config", "view", "--raw", "--minify", "--flatten"},
		{"-n", "kube-public", "get", "configmap", "cluster-info", "-o", "yaml"},
		{"-n", "kube-system", "get", "configmap", "kubeadm-config", "kubelet-config", "kube-proxy", "coredns", "-o", "yaml"},
		{"-n", "kube-system", "get", "service", "kube-dns", "-o", "yaml"},
		{"-n", "kube-system", "get", "pods", "-l", "tier=control-plane", "-o", "json"},
		{"get", "nodes", "-o", "json"},
	} {
		said, err := r.cp.kubectl(args...)
		if err != nil {
			return said, err
		}
		dump += "---\n" + said
	}
	file := filepath.Join(r.folder, name)
	return file, os.WriteFile(file, []byte(dump), 0o600)
}

// imported: a project out of what kubectl prints, and two nodes more.
func (r *replay) imported() {
	folder := filepath.Join(r.folder, "imported")
	r.step("cluster", "imported", "nodebake import makes a project of what kubectl prints, and check has no error", func() (string, error) {
		file, err := r.dump("dump")
		if err != nil {
			return "", err
		}
		said, err := ask(r.Nodebake, "import", "--project", folder, file)
		if err != nil {
			return said, err
		}
		more, err := ask(r.Nodebake, "check", folder)
		return said + more, err
	})
	r.step("cluster", "nodes-added", "two lines for two nodes more, and nodebake token create and build", func() (string, error) {
		file := filepath.Join(folder, "cluster.yaml")
		text, err := os.ReadFile(file)
		if err != nil {
			return "", err
		}
		inventory := string(text)
		p := &project{folder: folder, nodebake: r.Nodebake, nodes: added, addresses: map[string]string{}}
		for at, name := range added {
			p.addresses[name] = fmt.Sprintf("172.27.142.%d", 10+at)
			inventory += fmt.Sprintf("  - {name: %s, addresses: [%s], labels: {%s: r1}}\n", name, p.addresses[name], ownLabel)
		}
		if err := os.WriteFile(file, []byte(inventory), 0o644); err != nil {
			return "", err
		}
		if err := do(r.Nodebake, "token", "create", folder); err != nil {
			return "", err
		}
		r.project = p
		return "", p.build()
	})
	r.step("cluster", "bundle-applied", "kubectl takes the RBAC and the tokens' Secrets", func() (string, error) {
		said, err := r.cp.kubectl("apply", "-k", r.project.out("cluster/rbac"))
		if err != nil {
			return said, err
		}
		return r.cp.kubectl("apply", "-k", r.project.out("cluster/tokens"))
	})
}

// bootKubeadm: roots with Kubernetes' packages, and the payload's files in them.
func (r *replay) bootKubeadm() (nodes []*node) {
	for _, name := range added {
		n := r.newNode("tarball", name)
		n.Kubelet = r.program(r.From, "kubelet")
		r.step(n.format, "payload-applied", "tar unpacks the payload into the root of "+name+", which has Kubernetes' packages", func() (string, error) {
			if err := n.lay(r.project, r.Oracles); err != nil {
				return "", err
			}
			// A project's default: what is secret comes apart.
			if err := do("tar", "-xzpf", r.project.out("nodes", name, name+".secrets.tar.gz"), "-C", n.Root); err != nil {
				return "", err
			}
			if err := n.packages(); err != nil {
				return "", err
			}
			if err := do("install", "-D", r.program(r.version, "kubeadm"), n.in("usr/bin/kubeadm")); err != nil {
				return "", err
			}
			u, err := n.unit()
			return strings.Join(u.Exec, " "), err
		})
		if err := n.start(); err != nil {
			r.broken("powering on "+name, err)
		}
		nodes = append(nodes, n)
	}
	return nodes
}

// joinsByReview: `csr review --apply` approves what the nodes ask for, first their client certificates, then the serving ones.
func (r *replay) joinsByReview(nodes []*node) {
	for _, n := range nodes {
		r.asks(n)
	}
	r.step("cluster", "review-applied", "nodebake csr review --apply approves all of it", func() (string, error) {
		said := ""
		err := waitFor("both nodes serve with a certificate of the cluster", soon, "", func() (string, bool) {
			dump, err := r.cp.kubectl("get", "csr", "-o", "json")
			if err != nil {
				return dump, false
			}
			file := filepath.Join(r.folder, "requests.json")
			if err := os.WriteFile(file, []byte(dump), 0o600); err != nil {
				return err.Error(), false
			}
			if said, err = r.cp.withKubectl(r.Nodebake, "csr", "review", file, r.project.folder, "--apply"); err != nil {
				return err.Error(), false
			}
			for _, n := range nodes {
				at := n.resolved("/var/lib/kubelet/pki/kubelet-server-current.pem")
				if _, err := os.Stat(at); err != nil {
					return said, false
				}
			}
			return said, true
		})
		return said, err
	})
}

// readyAt waits until a node is Ready with a version of the kubelet.
func (r *replay) readyAt(n *node, version string, since time.Time) (string, error) {
	seen, err := r.waitReady(n, since)
	if err != nil {
		return seen, err
	}
	return loggedOr(n, soon, n.Name+" has "+version, func() (string, bool) {
		m, err := r.node(n.Name)
		return fmt.Sprint(m.Status.NodeInfo.KubeletVersion, err), err == nil && m.Status.NodeInfo.KubeletVersion == version
	})
}

// configzEqual: a kubelet that was baked from the imported settings has, by its own /configz, the settings that the cluster has.
func (r *replay) configzEqual(n *node) {
	r.step("cluster", "configz-equal", "the /configz of "+n.Name+" has nothing beside the settings of the cluster, field by field", func() (string, error) {
		said, err := r.cp.kubectl("get", "--raw", "/api/v1/nodes/"+n.Name+"/proxy/configz")
		if err != nil {
			return said, err
		}
		configz := filepath.Join(r.folder, "configz.json")
		if err := os.WriteFile(configz, []byte(said), 0o600); err != nil {
			return "", err
		}
		file, err := r.dump("dump-with-nodes")
		if err != nil {
			return "", err
		}
		again := filepath.Join(r.folder, "imported-again")
		if said, err = ask(r.Nodebake, "import", "--project", again, "--configz", n.Name+"="+configz, file); err != nil {
			return said, err
		}
		if text, err := os.ReadFile(filepath.Join(again, "profiles", n.Name+".yaml")); err == nil {
			return string(text), fmt.Errorf("it has settings of its own")
		}
		text, err := os.ReadFile(filepath.Join(again, "profiles/imported.yaml"))
		return oneLine(string(text)), err
	})
}

// resetByKubeadm: what was baked goes as what `kubeadm join` leaves.
func (r *replay) resetByKubeadm(n *node) {
	r.step(n.format, "kubeadm-resets-node", "kubeadm reset removes the kubeconfigs, the CA, the configuration and the flags of "+n.Name, func() (string, error) {
		said, err := n.inside("kubeadm", "reset", "--force", "--ignore-preflight-errors=all")
		if err != nil {
			return said, err
		}
		for _, path := range []string{
			"/etc/kubernetes/bootstrap-kubelet.conf", "/etc/kubernetes/kubelet.conf", "/etc/kubernetes/pki/ca.crt",
			"/var/lib/kubelet/config.yaml", "/var/lib/kubelet/kubeadm-flags.env", "/var/lib/kubelet/instance-config.yaml",
		} {
			if _, err := os.Lstat(n.in(path)); err == nil {
				return said, fmt.Errorf("%s is still there", path)
			}
		}
		return said, nil
	})
}

// annotated: kubeadm before 1.34 finds the runtime by an annotation of the Node, and a kubelet cannot set it.
func (r *replay) annotated(nodes []*node) {
	r.step("cluster", "annotated", "node-labels.sh gives the nodes kubeadm's annotation", func() (string, error) {
		said, err := r.cp.withKubectl("sh", r.project.out("cluster/node-labels.sh"))
		if err != nil {
			return said, err
		}
		for _, n := range nodes {
			got, err := r.cp.kubectl("get", "node", n.Name, "-o", `jsonpath={.metadata.annotations.kubeadm\.alpha\.kubernetes\.io/cri-socket}`)
			if err != nil || got != "unix:///run/containerd/containerd.sock" {
				return got, fmt.Errorf("%s has no %s: %v", n.Name, annotation, err)
			}
		}
		return strings.TrimSpace(said), nil
	})
}

// upgradesByKubeadm: the packages are upgraded, `kubeadm upgrade node` runs on the node, and its kubelet is started again.
func (r *replay) upgradesByKubeadm(n *node) {
	config := n.in("/var/lib/kubelet/config.yaml")
	r.step(n.format, "kubeadm-upgrades-node", "kubeadm "+r.version+" upgrade node takes "+n.Name+" for a node of kubeadm's", func() (string, error) {
		before, err := os.ReadFile(config)
		if err != nil {
			return "", err
		}
		// The whole preflight but for what this machine's kernel says of itself.
		said, err := n.inside("kubeadm", "upgrade", "node", "--ignore-preflight-errors=SystemVerification")
		if err != nil {
			return said, err
		}
		after, err := os.ReadFile(config)
		if err == nil && string(after) == string(before) {
			err = fmt.Errorf("config.yaml is as it was")
		}
		if err == nil {
			err = says(string(after), "maxPods: 77", "cgroupDriver: cgroupfs", "containerRuntimeEndpoint: unix:///run/containerd/containerd.sock")
		}
		return said, err
	})
	r.step(n.format, "ready-after-upgrade", "with the kubelet "+r.version+" "+n.Name+" is Ready, under its name and address", func() (string, error) {
		n.stop()
		n.Kubelet = r.program(r.version, "kubelet")
		off := time.Now()
		if err := n.start(); err != nil {
			return "", err
		}
		seen, err := r.readyAt(n, r.version, off)
		if err != nil {
			return seen, err
		}
		u, err := n.unit()
		if err == nil {
			err = says(strings.Join(u.Exec, " ")+" ", "--hostname-override="+n.Name+" ", "--node-ip="+n.Address+" ", "--node-labels="+ownLabel+"=r1 ")
		}
		return seen, err
	})
}

// inside runs a program in the node's namespaces.
func (n *node) inside(args ...string) (string, error) {
	children, err := os.ReadFile(fmt.Sprintf("/proc/%[1]d/task/%[1]d/children", n.process.Process.Pid))
	first := strings.Fields(string(children))
	if err != nil || len(first) == 0 {
		return "", fmt.Errorf("the node has no first process: %v", err)
	}
	command := exec.Command("nsenter", append([]string{"-t", first[0], "-m", "-u", "-i", "-n", "-p", "-C"}, args...)...)
	command.Env = []string{"PATH=/usr/sbin:/usr/bin", "LC_ALL=C"}
	said, err := command.CombinedOutput()
	if err != nil {
		return string(said), fmt.Errorf("%q: %w: %s", args, err, lastOf(string(said), 3000))
	}
	return string(said), nil
}
