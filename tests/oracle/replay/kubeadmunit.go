package main

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// The unit of Kubernetes' package kubelet and the drop-in of its package kubeadm, as their debs have them (kubernetes/release,
// cmd/krel/templates/latest).
const (
	packageFolder = "usr/lib/systemd/system"
	packageUnit   = `[Unit]
Description=kubelet: The Kubernetes Node Agent
Documentation=https://kubernetes.io/docs/
Wants=network-online.target
After=network-online.target

[Service]
ExecStart=/usr/bin/kubelet
Restart=always
StartLimitInterval=0
RestartSec=10

[Install]
WantedBy=multi-user.target
`
	packageDropIn = `# Note: This dropin only works with kubeadm and kubelet v1.11+
[Service]
Environment="KUBELET_KUBECONFIG_ARGS=--bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf --kubeconfig=/etc/kubernetes/kubelet.conf"
Environment="KUBELET_CONFIG_ARGS=--config=/var/lib/kubelet/config.yaml"
# This is a file that "kubeadm init" and "kubeadm join" generates at runtime, populating the KUBELET_KUBEADM_ARGS variable dynamically
EnvironmentFile=-/var/lib/kubelet/kubeadm-flags.env
EnvironmentFile=-/etc/default/kubelet
ExecStart=
ExecStart=/usr/bin/kubelet $KUBELET_KUBECONFIG_ARGS $KUBELET_CONFIG_ARGS $KUBELET_KUBEADM_ARGS $KUBELET_EXTRA_ARGS
`
)

// systemctl is what kubeadm asks of systemd: to start the kubelet, and whether systemd-resolved runs.
const systemctl = `#!/bin/sh
case "$*" in
*systemd-resolved*) exit 3 ;;
start*kubelet* | restart*kubelet*)
    touch ` + kubeletStart + `
    kill "$(cat ` + kubeletPID + `)" 2>/dev/null || :
    ;;
esac
`

// rootWithKubeadm makes the root of a machine as an operating system's image with Kubernetes' packages has it.
func (n *node) rootWithKubeadm(kubeadm string) error {
	for _, folder := range []string{n.Folder, n.in("etc/kubernetes/manifests"), n.in("etc/sysctl.d")} {
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return err
		}
	}
	if err := n.image(); err != nil {
		return err
	}
	// As Kubernetes' page on container runtimes says.
	if err := os.WriteFile(n.in("etc/sysctl.d/k8s.conf"), []byte("net.ipv4.ip_forward = 1\n"), 0o644); err != nil {
		return err
	}
	if err := n.packages(); err != nil {
		return err
	}
	if err := do("install", "-D", kubeadm, n.in("usr/bin/kubeadm")); err != nil {
		return err
	}
	return os.WriteFile(n.in("usr/bin/systemctl"), []byte(systemctl), 0o755)
}

// packages writes what Kubernetes' packages have beside their programs.
func (n *node) packages() error {
	for name, text := range map[string]string{"kubelet.service": packageUnit, "kubelet.service.d/10-kubeadm.conf": packageDropIn} {
		path := n.in(filepath.Join(packageFolder, name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// readPackageUnit is the command of the packages' unit, its variables replaced as systemd does it.
func readPackageUnit(root string) (unit, error) {
	text, err := os.ReadFile(filepath.Join(root, packageFolder, "kubelet.service.d/10-kubeadm.conf"))
	if err != nil {
		return unit{}, err
	}
	read := unit{WorkDir: "/", Restart: 10 * time.Second}
	variables := map[string]string{}
	set := func(assignment string) {
		if name, value, found := strings.Cut(assignment, "="); found {
			variables[name] = value
		}
	}
	for _, line := range strings.Split(string(text), "\n") {
		key, value, _ := strings.Cut(line, "=")
		switch key {
		case "Environment":
			if value, err = strconv.Unquote(value); err != nil {
				return unit{}, err
			}
			set(value)
		case "EnvironmentFile":
			file, err := os.ReadFile(filepath.Join(root, strings.TrimPrefix(value, "-")))
			if os.IsNotExist(err) {
				continue
			}
			if err != nil {
				return unit{}, err
			}
			for _, line := range strings.Split(strings.TrimSpace(string(file)), "\n") {
				name, value, _ := strings.Cut(line, "=")
				if value, err = strconv.Unquote(value); err != nil {
					return unit{}, err
				}
				variables[name] = value
			}
		case "ExecStart":
			read.Exec = nil
			for _, word := range strings.Fields(value) {
				if name := strings.TrimPrefix(word, "$"); name != word {
					read.Exec = append(read.Exec, strings.Fields(variables[name])...)
				} else {
					read.Exec = append(read.Exec, word)
				}
			}
		}
	}
	return read, nil
}
