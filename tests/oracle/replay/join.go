package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// soon is how long something may take on a busy machine; what is waited for is usually there in a second.
const soon = 120 * time.Second

// A kubelet's log lines that make waiting hopeless.
var hopeless = []string{
	"unknown flag", "certificate signed by unknown authority", "failed to load Kubelet config file", "failed to parse kubelet flag",
}

// joins: what happens between a node's first request and its serving certificate.
func (r *replay) joins(nodes []*node) {
	for _, n := range nodes {
		r.asks(n)
	}
	for _, n := range nodes {
		r.approved(n)
		r.wroteItsFiles(n)
		r.registered(n)
		r.servingCertificate(n)
	}
}

func (r *replay) asks(n *node) {
	user := "system:bootstrap:" + n.tokenID
	r.step(n.format, "csr-accepted", "a request of "+user+" for "+n.Name, func() (string, error) {
		got, err := r.requestIn(n, user, "", soon)
		if err == nil && !containsAll(got.Spec.Groups, append(r.project.groups[n.Name], "system:bootstrappers")) {
			err = fmt.Errorf("groups %q lack %q", got.Spec.Groups, r.project.groups[n.Name])
		}
		return fmt.Sprintf("%s of %s, groups %s", got.Metadata.Name, got.Spec.Username, strings.Join(got.Spec.Groups, ",")), err
	})
}

func (r *replay) approved(n *node) {
	r.step(n.format, "client-csr-approved", "the controller approves and issues the client certificate of "+n.Name, func() (string, error) {
		got, err := r.requestIn(n, "system:bootstrap:"+n.tokenID, "Approved,Issued", r.limit("client-csr-approved"))
		return got.Metadata.Name + " is " + got.state(), err
	})
}

func (r *replay) wroteItsFiles(n *node) {
	r.step(n.format, "kubeconfig-written", "--kubeconfig and the client certificate in --cert-dir are there, mode 0600", func() (string, error) {
		kubeconfig, current := n.flag("kubeconfig"), filepath.Join(n.certDir(), "kubelet-client-current.pem")
		seen, err := r.closedFile(n, kubeconfig)
		if err != nil {
			return seen, err
		}
		text, err := os.ReadFile(n.in(kubeconfig))
		if err != nil || !strings.Contains(string(text), current) {
			return seen, fmt.Errorf("%s does not point at %s", kubeconfig, current)
		}
		more, err := r.closedFile(n, current)
		return seen + ", " + more, err
	})
}

// closedFile waits for a file of mode 0600, through a link if there is one.
func (r *replay) closedFile(n *node, path string) (string, error) {
	return loggedOr(n, soon, path+" is there", func() (string, bool) {
		at := n.resolved(path)
		info, err := os.Stat(at)
		if err != nil {
			return err.Error(), false
		}
		return fmt.Sprintf("%04o %s", info.Mode().Perm(), strings.TrimPrefix(at, n.Root)), info.Mode() == 0o600 && info.Size() > 0
	})
}

func (r *replay) node(name string) (machine, error) {
	var m machine
	return m, r.cp.admin.read("/api/v1/nodes/"+name, &m)
}

func (r *replay) registered(n *node) {
	r.step(n.format, "node-registered", n.Name+" is a Node with its labels, taints, address and version "+r.version, func() (string, error) {
		return loggedOr(n, soon, n.Name+" is registered as the inventory says", func() (string, bool) {
			m, err := r.node(n.Name)
			if err != nil {
				return err.Error(), false
			}
			seen := fmt.Sprintf("%s %s %s labels %v taints %v", m.Metadata.Name, m.Status.NodeInfo.KubeletVersion, m.Status.Addresses,
				m.Metadata.Labels, m.Spec.Taints)
			good := m.Status.NodeInfo.KubeletVersion == r.version && m.Metadata.Labels["kubernetes.io/hostname"] == n.Name
			address := false
			for _, a := range m.Status.Addresses {
				address = address || a.Type == "InternalIP" && a.Address == n.Address
			}
			if !isReference(n.Name) {
				tainted := false
				for _, t := range m.Spec.Taints {
					tainted = tainted || t.Key == ownTaint && t.Value == "gpu" && t.Effect == "PreferNoSchedule"
				}
				good = good && tainted && m.Metadata.Labels[ownLabel] == "r1"
			}
			return seen, good && address
		})
	})
}

func (r *replay) servingCertificate(n *node) {
	waiting := r.servingPending(n)
	r.step(n.format, "serving-csr-approved", "after its approval the kubelet serves 10250 with a certificate of the cluster's CA",
		func() (string, error) {
			if _, err := r.cp.kubectl("certificate", "approve", waiting.Metadata.Name); err != nil {
				return "", err
			}
			return r.answersByTLS(n)
		})
}

func (r *replay) servingPending(n *node) (waiting request) {
	user := "system:node:" + n.Name
	r.step(n.format, "serving-csr-pending", "a request of "+user+" for server auth stays Pending", func() (string, error) {
		var err error
		if waiting, err = r.requestIn(n, user, "Pending", r.limit("serving-csr-pending")); err != nil {
			return "", err
		}
		if !contains(waiting.Spec.Usages, "server auth") {
			return "", fmt.Errorf("usages are %q", waiting.Spec.Usages)
		}
		if _, err := os.Lstat(n.in(filepath.Join(n.certDir(), "kubelet-server-current.pem"))); err == nil {
			return "", fmt.Errorf("a serving certificate is there already")
		}
		return waiting.Metadata.Name + " is " + waiting.state(), nil
	})
	return waiting
}

// serves: what was approved by review is what the kubelet serves with.
func (r *replay) serves(n *node) {
	r.step(n.format, "review-serves", n.Name+" serves 10250 with a certificate of the cluster's CA", func() (string, error) { return r.answersByTLS(n) })
}

// answersByTLS waits for the kubelet's serving certificate, and that it is used.
func (r *replay) answersByTLS(n *node) (string, error) {
	seen, err := r.closedFile(n, filepath.Join(n.certDir(), "kubelet-server-current.pem"))
	if err != nil {
		return seen, err
	}
	c, err := r.kubelet(n, "", "")
	if err != nil {
		return seen, err
	}
	return loggedOr(n, soon, "port 10250 answers with it", func() (string, bool) {
		status, _, err := c.get("/metrics")
		return fmt.Sprintf("%s; TLS with the cluster's CA: %v", seen, err == nil), err == nil && status > 0
	})
}
