package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// expired: a token past its time is refused, and the tokencleaner takes its Secret away.
func (r *replay) expired() {
	name := unlucky[0]
	id := r.project.tokens[name]
	r.step("cluster", "expired-token-refused", "a token past its expiration is 401 and its Secret is gone", func() (string, error) {
		token, err := r.tokenOf(id)
		if err != nil {
			return "", err
		}
		patch := fmt.Sprintf(`{"stringData":{"expiration":"%s"}}`, endsAt(2*time.Second))
		if _, err := r.cp.kubectl("patch", "secret", "-n", "kube-system", "bootstrap-token-"+id, "-p", patch); err != nil {
			return "", err
		}
		// In this order: the API server lets in for 10 s more whom it let in once.
		if err := r.secretGone(id); err != nil {
			return "", err
		}
		seen, err := r.refused(token)
		return "no Secret, and " + seen, err
	})
	r.refusedNode("expired-token-node-refused", name, nil)
}

// deleted: a token whose Secret was deleted is refused, and another node's kubeconfig does not help.
func (r *replay) deleted(first *node) {
	name := unlucky[1]
	id := r.project.tokens[name]
	r.step("cluster", "deleted-token-refused", "a token whose Secret was deleted is 401", func() (string, error) {
		token, err := r.tokenOf(id)
		if err != nil {
			return "", err
		}
		if _, err := r.cp.kubectl("delete", "secret", "-n", "kube-system", "bootstrap-token-"+id); err != nil {
			return "", err
		}
		return r.refused(token)
	})
	r.refusedNode("stolen-kubeconfig-is-useless", name, func(n *node) error {
		text, err := os.ReadFile(first.in(first.flag("kubeconfig")))
		if err != nil {
			return err
		}
		if strings.Contains(string(text), "client-key-data") || strings.Contains(string(text), "token:") {
			return fmt.Errorf("the kubeconfig holds a secret itself")
		}
		at := n.in(n.flag("kubeconfig"))
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			return err
		}
		return os.WriteFile(at, text, 0o600)
	})
}

// refusedNode boots a node that must not get in.
func (r *replay) refusedNode(step, name string, prepare func(*node) error) {
	n := r.newNode("tarball", name)
	r.step(n.format, step, "the kubelet of "+name+" is told Unauthorized, and no Node or request is made", func() (string, error) {
		before, err := r.bootstraps(n)
		if err != nil {
			return "", err
		}
		if err := n.lay(r.project, r.Oracles); err != nil {
			return "", err
		}
		if prepare != nil {
			if err := prepare(n); err != nil {
				return "", err
			}
		}
		if err := n.start(); err != nil {
			return "", err
		}
		defer n.stop()
		line, err := logged(n, soon, []string{"Unauthorized"})
		if err != nil {
			return line, err
		}
		requests, err := r.bootstraps(n)
		if err == nil && requests > before {
			err = fmt.Errorf("it made %d requests", requests-before)
		}
		if status, _, _ := r.cp.admin.get("/api/v1/nodes/" + name); err == nil && status != http.StatusNotFound {
			err = fmt.Errorf("GET of the Node: %d", status)
		}
		return line, err
	})
}
