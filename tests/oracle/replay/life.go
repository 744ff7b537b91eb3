package main

import (
	"fmt"
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
	if isReference(nodes[0].Name) {
		return // they have no labels of that kind
	}
	r.step(nodes[0].format, "node-labels", "node-labels.sh gives the nodes that are there node-role.kubernetes.io/worker, and says which are absent",
		func() (string, error) {
			// It must fail, for the unlucky nodes and the mutants are not there yet.
			said, err := r.cp.withKubectl("sh", r.project.out("cluster/node-labels.sh"))
			if err == nil || !strings.Contains(err.Error(), unlucky[0]) {
				return said, fmt.Errorf("it did not say that nodes are absent: %v", err)
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
		if err := n.lay(r.project, r.Oracles); err != nil {
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
		if err == nil && after <= before {
			err = fmt.Errorf("it asked %d times, then %d", before, after)
		}
		return fmt.Sprintf("%s; %d request(s), before %d", cut(seen, 80), after, before), err
	})
}
