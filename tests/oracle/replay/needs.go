package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
)

// missing says what this machine lacks, each with its Debian package where it has one.
func missing(o options) []string {
	var lacks []string
	if o.VMs {
		lacks = missingForVMs(o)
	} else {
		lacks = missingForNamespaces()
	}
	if o.From != "" {
		lacks = append(lacks, missingForKubeadm(o)...)
	}
	for _, version := range o.Versions {
		for _, program := range []string{"kube-apiserver", "kube-controller-manager", "kubelet"} {
			if _, err := os.Stat(filepath.Join(o.Kubernetes, version, program)); err != nil {
				lacks = append(lacks, fmt.Sprintf("%s %s (tests/oracle/kubernetes/build.sh)", program, version))
			}
		}
		if _, err := kubectlFor(o, version); err != nil {
			lacks = append(lacks, err.Error())
		}
	}
	sort.Strings(lacks)
	return lacks
}

// missingForKubeadm are the programs that a cluster of kubeadm's is made of.
func missingForKubeadm(o options) (lacks []string) {
	for version, programs := range map[string][]string{
		o.From:        {"kubeadm", "kubelet", "kube-apiserver", "kube-controller-manager", "kube-scheduler"},
		o.Versions[0]: {"kubeadm", "kube-scheduler"},
	} {
		for _, program := range programs {
			if _, err := os.Stat(filepath.Join(o.Kubernetes, version, program)); err != nil {
				lacks = append(lacks, fmt.Sprintf("%s %s (tests/oracle/kubernetes/build.sh)", program, version))
			}
		}
	}
	if _, err := os.Stat(filepath.Join(filepath.Dir(o.Kubernetes), "etcd/etcd")); err != nil {
		lacks = append(lacks, "etcd as one file (tests/oracle/etcd/build.sh)")
	}
	return lacks
}

// missingForVMs are the programs that boot machines, and what tests/oracle/boots makes for them.
func missingForVMs(o options) (lacks []string) {
	for program, from := range map[string]string{
		"etcd": "Debian: etcd-server", "ip": "Debian: iproute2", "tar": "Debian: tar", "cpio": "Debian: cpio", "mke2fs": "Debian: e2fsprogs",
		"qemu-system-x86_64": "Debian: qemu-system-x86", "busybox-static": "make oracles",
	} {
		if _, err := exec.LookPath(program); err != nil {
			lacks = append(lacks, fmt.Sprintf("%s (%s)", program, from))
		}
	}
	for image, file := range map[string]string{"cloud-image": "root.tar", "ignition-image": "disk"} {
		if _, err := os.Stat(o.image(image, file)); err != nil {
			lacks = append(lacks, image+" (tests/oracle/boots)")
		}
	}
	return lacks
}

// missingForNamespaces are the programs that a node in namespaces shares with this machine.
func missingForNamespaces() (lacks []string) {
	for program, from := range map[string]string{
		"etcd": "Debian: etcd-server", "containerd": "Debian: containerd", "ctr": "Debian: containerd", "runc": "Debian: runc",
		"ip": "Debian: iproute2", "iptables": "Debian: iptables", "tar": "Debian: tar", "cpio": "Debian: cpio", "gzip": "Debian: gzip",
		"systemctl": "Debian: systemd", "ignition-engine": "tests/oracle/ignition/build.sh", "unshare": "Debian: util-linux",
	} {
		if _, err := exec.LookPath(program); err != nil {
			lacks = append(lacks, fmt.Sprintf("%s (%s)", program, from))
		}
	}
	for file, from := range map[string]string{
		"/usr/lib/cni/bridge": "Debian: containernetworking-plugins", "/usr/lib/systemd/systemd-sysctl": "Debian: systemd",
	} {
		if _, err := os.Stat(file); err != nil {
			lacks = append(lacks, fmt.Sprintf("%s (%s)", file, from))
		}
	}
	if err := exec.Command("/usr/bin/python3", "-c", "import cloudinit").Run(); err != nil && cloudInitModules() == "" {
		lacks = append(lacks, "cloud-init's Python modules (make oracles)")
	}
	return lacks
}

// kubectlFor is the kubectl that a cluster of a version is administered with: today's, or before 1.19 its own.
func kubectlFor(o options, version string) (string, error) {
	if minorOf(version) >= 19 {
		path, err := exec.LookPath("kubectl")
		if err != nil {
			return "", fmt.Errorf("kubectl (make oracles)")
		}
		return path, nil
	}
	path := filepath.Join(o.Kubernetes, version, "kubectl")
	if _, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("kubectl %s (tests/oracle/kubernetes/build.sh)", version)
	}
	return path, nil
}
