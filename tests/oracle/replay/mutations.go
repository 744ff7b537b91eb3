package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// mutation breaks one thing, and names the step that must catch it.
type mutation struct {
	broken   string // in the name of the step
	name     string
	caughtBy string
	inNode   func(*node) error // on the node's root, between payload and power
	inside   func(*node) error // in the cluster
	restore  func() error
	// secretUnread leaves out the step that looks at the token's Secret: only the node's own fate may tell.
	secretUnread bool
	fatal        []string // what the kubelet may say in vain waiting
}

// step is the name of the step that sees it caught.
func (m mutation) step() string { return "broken-" + m.broken + "-caught-by-" + m.caughtBy }

// mutationsOfNodes are broken on purpose, one node each, all at once: they do not disturb each other.
func (r *replay) mutationsOfNodes() []mutation {
	return []mutation{
		{broken: "field", name: "a kubelet field is misspelt", caughtBy: "serving-csr-pending", inNode: func(n *node) error {
			return edit(n, n.flag("config"), "serverTLSBootstrap", "serverTlsBootstrap")
		}},
		{broken: "flag", name: "a flag is misspelt", caughtBy: "csr-accepted", inNode: func(n *node) error {
			return edit(n, "etc/systemd/system/kubelet.service", "--bootstrap-kubeconfig=", "--bootstrap-kubeconfg=")
		}},
		{broken: "ca", name: "the CA is another one", caughtBy: "csr-accepted", inNode: r.anotherCA},
		{broken: "groups", name: "the groups of a token are others: who it is for the API server", caughtBy: "token-secret", inside: r.wrongGroup},
		{broken: "groups", name: "the groups of a token are others: what the API server makes of the node", caughtBy: "csr-accepted", inside: r.wrongGroup, secretUnread: true,
			fatal: []string{"cannot create resource"}},
	}
}

// wrongGroup makes the token of a node one of somebody else.
func (r *replay) wrongGroup(n *node) error {
	// The API server takes no group outside system:bootstrappers: at all; a wrong node's name it does.
	const wrong = "system:bootstrappers:somebody-else"
	patch := fmt.Sprintf(`{"stringData":{"auth-extra-groups":"%s"}}`, wrong)
	if _, err := r.cp.kubectl("patch", "secret", "-n", "kube-system", "bootstrap-token-"+n.tokenID, "-p", patch); err != nil {
		return err
	}
	token, err := r.tokenOf(n.tokenID)
	if err != nil {
		return err
	}
	return waitFor("the API server forgets whose the token was, which takes 10 s", soon, r.log, func() (string, bool) {
		who, err := r.authenticated(token)
		return fmt.Sprint(who.Groups, err), contains(who.Groups, wrong)
	})
}

// mutationOfCluster is broken for all nodes.
func (r *replay) mutationOfCluster() mutation {
	return mutation{broken: "binding", name: "an RBAC binding is missing", caughtBy: "client-csr-approved", inside: func(*node) error {
		said, err := r.cp.kubectl("get", "clusterrolebindings", "-o",
			`jsonpath={.items[?(@.roleRef.name=="system:certificates.k8s.io:certificatesigningrequests:nodeclient")].metadata.name}`)
		name := strings.TrimSpace(said)
		if err == nil && name == "" {
			err = fmt.Errorf("no binding lets the controller approve")
		}
		if err == nil {
			_, err = r.cp.kubectl("delete", "clusterrolebinding", name)
		}
		return err
	}, restore: func() error {
		_, err := r.cp.kubectl("apply", "-k", r.project.out("cluster/rbac"))
		return err
	}}
}

// edit changes one file of a payload, which must hold what is replaced.
func edit(n *node, path, from, to string) error {
	text, err := os.ReadFile(n.in(path))
	if err != nil {
		return err
	}
	if !strings.Contains(string(text), from) {
		return fmt.Errorf("%s does not hold %q", path, from)
	}
	return os.WriteFile(n.in(path), []byte(strings.Replace(string(text), from, to, 1)), 0o600)
}

// anotherCA makes the node trust somebody else than its cluster.
func (r *replay) anotherCA(n *node) error {
	other, err := newAuthority(filepath.Join(n.Folder, "other-ca"), "another-ca")
	if err != nil {
		return err
	}
	theirs, err := os.ReadFile(other.file("ca.pem"))
	if err != nil {
		return err
	}
	ours, err := os.ReadFile(r.cp.ca.file("ca.pem"))
	if err != nil {
		return err
	}
	return edit(n, n.flag("bootstrap-kubeconfig"), base64Of(string(ours)), base64Of(string(theirs)))
}

// brokenNodes breaks things of single nodes and sees that the step made for each fails, and no earlier one.
func (r *replay) brokenNodes() {
	broken := r.mutationsOfNodes()
	nodes := make([]*node, len(broken))
	for i := range nodes {
		nodes[i] = r.newNode("tarball", mutants[i])
	}
	failed, errs := make([]*step, len(broken)), make([]error, len(broken))
	var all sync.WaitGroup
	for i, m := range broken {
		i, m := i, m
		all.Add(1)
		go func() {
			defer all.Done()
			failed[i], errs[i] = r.suffers(nodes[i], m)
		}()
	}
	all.Wait()
	for i, m := range broken {
		r.step("mutation", m.step(), m.name+": the step "+m.caughtBy+" fails", func() (string, error) {
			return m.verdict(failed[i], errs[i])
		})
	}
}

// brokenCluster breaks what all nodes need. No other node may be joining.
func (r *replay) brokenCluster() {
	m := r.mutationOfCluster()
	n := r.newNode("tarball", mutants[len(mutants)-1])
	r.step("mutation", m.step(), m.name+": the step "+m.caughtBy+" fails", func() (string, error) {
		failed, err := r.suffers(n, m)
		return m.verdict(failed, err)
	})
}

// suffers lets a node join that something is broken for, and returns the step that failed.
func (r *replay) suffers(n *node, m mutation) (*step, error) {
	quiet := *r
	quiet.recorder = &recorder{version: r.version, begun: r.begun, quiet: true, fails: m.caughtBy, log: r.log}
	n.fatal = m.fatal
	if err := n.mutate(r, m); err != nil {
		return nil, err
	}
	r.nodes.enter(1)
	defer r.nodes.leave(1)
	defer n.stop()
	if err := n.start(); err != nil {
		return nil, err
	}
	failed := quiet.attempt(func() {
		if !m.secretUnread {
			quiet.tokenSecret(n.Name)
		}
		quiet.joins([]*node{n})
	})
	if m.restore != nil {
		return failed, m.restore()
	}
	return failed, nil
}

func (n *node) mutate(r *replay, m mutation) error {
	if err := n.lay(r.project, r.Oracles); err != nil {
		return err
	}
	if m.inNode != nil {
		if err := m.inNode(n); err != nil {
			return err
		}
	}
	if m.inside != nil {
		return m.inside(n)
	}
	return nil
}

// verdict is whether the right step failed.
func (m mutation) verdict(failed *step, err error) (string, error) {
	if err != nil {
		return "", err
	}
	if failed == nil {
		return "", fmt.Errorf("no step failed")
	}
	seen := failed.Name + " failed: " + failed.Seen
	if failed.Name != m.caughtBy {
		return seen, fmt.Errorf("%s should have", m.caughtBy)
	}
	return cut(seen, 200), nil
}
