package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const networkConfig = `{"cniVersion": "0.4.0", "name": "replay", "plugins": [
  {"type": "bridge", "bridge": "cni0", "isGateway": true, "ipam": {"type": "host-local", "ranges": [[{"subnet": "172.30.0.0/24"}]]}}
]}
`

// layNetwork is what an administrator's network add-on does.
func (n *node) layNetwork() (string, error) {
	at := n.in("etc/cni/net.d")
	if err := os.MkdirAll(at, 0o755); err != nil {
		return "", err
	}
	return "10-replay.conflist", os.WriteFile(filepath.Join(at, "10-replay.conflist"), []byte(networkConfig), 0o644)
}

// labelled: what a kubelet may not give itself comes from the bundle's own script.
func (r *replay) labelled(nodes []*node) {
	r.step("cluster", "node-labels", "node-labels.sh gives the nodes that are there node-role.kubernetes.io/worker, and says which are absent",
		func() (string, error) {
			// It must fail, for the unlucky nodes and the mutants are not there yet.
			command := fmt.Sprintf("KUBECTL='kubectl --kubeconfig=%s' sh %s", r.cp.kubeconfig, r.project.out("cluster/node-labels.sh"))
			said, err := ask("sh", "-c", command)
			if err == nil {
				return said, fmt.Errorf("it did not say that nodes are absent")
			}
			for _, n := range nodes {
				m, err := r.node(n.Name)
				if _, found := m.Metadata.Labels["node-role.kubernetes.io/worker"]; err != nil || !found {
					return said, fmt.Errorf("%s has labels %v %v", n.Name, m.Metadata.Labels, err)
				}
			}
			lines := strings.Split(strings.TrimSpace(said), "\n")
			return lines[len(lines)-1], nil
		})
}

// bootstraps counts the requests that a node made with its token.
func (r *replay) bootstraps(n *node) (int, error) {
	requests, err := r.requests("system:bootstrap:" + n.tokenID)
	return len(requests), err
}

// reboots: a node that is switched off and on again comes back with its certificate, without its token.
func (r *replay) reboots(n *node) {
	r.step(n.format, "reboot-keeps-identity", "after power off and on the node is Ready with no second request of its token", func() (string, error) {
		before, err := r.bootstraps(n)
		if err != nil {
			return "", err
		}
		n.stop()
		off := time.Now()
		if err := n.start(); err != nil {
			return "", err
		}
		seen, err := r.waitReady(n, off)
		if err != nil {
			return seen, err
		}
		after, err := r.bootstraps(n)
		if err == nil && after != before {
			err = fmt.Errorf("it asked %d times, then %d", before, after)
		}
		return fmt.Sprintf("%s; %d request(s) before and after", cut(seen, 80), after), err
	})
}

// wiped: a node whose disk is made anew from the same payload joins once more, while its token lives.
func (r *replay) wiped(n *node) {
	r.step(n.format, "wiped-node-joins-again", "with a new root from the same payload the node asks again and gets its certificate", func() (string, error) {
		before, err := r.bootstraps(n)
		if err != nil {
			return "", err
		}
		n.stop()
		if err := n.lay(r.project, r.Judges); err != nil {
			return "", err
		}
		if _, err := n.layNetwork(); err != nil {
			return "", err
		}
		off := time.Now()
		if err := n.start(); err != nil {
			return "", err
		}
		seen, err := r.waitReady(n, off)
		if err != nil {
			return seen, err
		}
		after, err := r.bootstraps(n)
		if err == nil && after != before+1 {
			err = fmt.Errorf("it asked %d times, then %d", before, after)
		}
		return fmt.Sprintf("%s; %d request(s), before %d", cut(seen, 80), after, before), err
	})
}

// expired: a token past its time is refused, and the tokencleaner takes its Secret away.
func (r *replay) expired(first *node) {
	name := unlucky[0]
	r.step("cluster", "expired-token-refused", "a token past its expiration is 401 and its Secret is gone", func() (string, error) {
		token, err := r.tokenOf(name)
		if err != nil {
			return "", err
		}
		past := time.Now().Add(2 * time.Second).UTC().Format(time.RFC3339)
		patch := fmt.Sprintf(`{"data":{"expiration":"%s"}}`, base64Of(past))
		if _, err := r.cp.kubectl("patch", "secret", "-n", "kube-system", "bootstrap-token-"+r.project.tokens[name], "-p", patch); err != nil {
			return "", err
		}
		var refused int
		err = waitFor("the token is refused", soon, "", func() (string, bool) {
			var text string
			refused, text, err = r.withToken(token, "/api/v1/nodes")
			return fmt.Sprint(refused, text, err), refused == http.StatusUnauthorized
		})
		if err != nil {
			return "", err
		}
		err = waitFor("its Secret is gone", soon, filepath.Join(r.cp.folder, "kube-controller-manager.log"), func() (string, bool) {
			status, _, err := r.cp.admin.get(r.secretPath(r.project.tokens[name]))
			return fmt.Sprint(status, err), status == http.StatusNotFound
		})
		return fmt.Sprintf("%d, then no Secret", refused), err
	})
	r.refusedNode("expired-token-node-refused", name, nil)
}

// deleted: a token whose Secret was deleted is refused, and another node's kubeconfig does not help.
func (r *replay) deleted(first *node) {
	name := unlucky[1]
	r.step("cluster", "deleted-token-refused", "a token whose Secret was deleted is 401", func() (string, error) {
		token, err := r.tokenOf(name)
		if err != nil {
			return "", err
		}
		if _, err := r.cp.kubectl("delete", "secret", "-n", "kube-system", "bootstrap-token-"+r.project.tokens[name]); err != nil {
			return "", err
		}
		var refused int
		err = waitFor("the token is refused", soon, "", func() (string, bool) {
			refused, _, err = r.withToken(token, "/api/v1/nodes")
			return fmt.Sprint(refused, err), refused == http.StatusUnauthorized
		})
		return fmt.Sprint(refused), err
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
	n := r.newNode("tarball", name, r.project)
	r.step(n.format, step, "the kubelet of "+name+" is told Unauthorized, and no Node or request is made", func() (string, error) {
		if err := n.lay(r.project, r.Judges); err != nil {
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
		if err == nil && requests > 0 {
			err = fmt.Errorf("it made %d requests", requests)
		}
		if status, _, _ := r.cp.admin.get("/api/v1/nodes/" + name); err == nil && status != http.StatusNotFound {
			err = fmt.Errorf("GET of the Node: %d", status)
		}
		return line, err
	})
}
