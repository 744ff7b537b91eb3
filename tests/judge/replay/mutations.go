package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// mutation breaks one thing, and names the step that must catch it.
type mutation struct {
	name     string
	caughtBy string
	inNode   func(*node) error // on the node's root, between payload and power
	inside   func() error      // in the cluster
	restore  func() error
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

// mutationsOf is everything that is broken on purpose, one node each.
func (r *replay) mutationsOf() []mutation {
	approving, group := "auto-approve-csrs-for-group", "system:bootstrappers:"
	if minorOf(r.version) >= 24 {
		group = "system:bootstrappers:node:"
	}
	binding := func() (string, error) {
		said, err := r.cp.kubectl("get", "clusterrolebindings", "-o",
			`jsonpath={.items[?(@.roleRef.name=="system:certificates.k8s.io:certificatesigningrequests:nodeclient")].metadata.name}`)
		if err == nil && strings.TrimSpace(said) == "" {
			err = fmt.Errorf("no binding like %s", approving)
		}
		return strings.TrimSpace(said), err
	}
	id := r.project.tokens[mutants[4]]
	return []mutation{
		{name: "an RBAC binding is missing", caughtBy: "client-csr-approved", inside: func() error {
			name, err := binding()
			if err == nil {
				_, err = r.cp.kubectl("delete", "clusterrolebinding", name)
			}
			return err
		}, restore: func() error {
			_, err := r.cp.kubectl("apply", "-k", r.project.out("cluster/rbac"))
			return err
		}},
		{name: "a kubelet field is misspelt", caughtBy: "serving-csr-pending", inNode: func(n *node) error {
			return edit(n, n.flag("config"), "serverTLSBootstrap", "serverTlsBootstrap")
		}},
		{name: "a flag is misspelt", caughtBy: "csr-accepted", inNode: func(n *node) error {
			return edit(n, "etc/systemd/system/kubelet.service", "--bootstrap-kubeconfig=", "--bootstrap-kubeconfg=")
		}},
		{name: "the CA is another one", caughtBy: "csr-accepted", inNode: func(n *node) error {
			other, err := newAuthority(filepath.Join(n.Folder, "other-ca"), "another-ca")
			if err != nil {
				return err
			}
			text, err := os.ReadFile(other.file("ca.pem"))
			if err != nil {
				return err
			}
			ours, err := os.ReadFile(r.cp.ca.file("ca.pem"))
			if err != nil {
				return err
			}
			return edit(n, n.flag("bootstrap-kubeconfig"), base64Of(string(ours)), base64Of(string(text)))
		}},
		{name: "the group of a token is misspelt", caughtBy: "token-secret", inside: func() error {
			patch := fmt.Sprintf(`{"data":{"auth-extra-groups":"%s"}}`, base64Of(strings.Replace(group, "bootstrappers", "bootstrapers", 1)))
			// The API server takes no group outside system:bootstrappers: at all; a wrong node's name it does.
			patch = fmt.Sprintf(`{"data":{"auth-extra-groups":"%s"}}`, base64Of(group+"somebody-else"))
			_, err := r.cp.kubectl("patch", "secret", "-n", "kube-system", "bootstrap-token-"+id, "-p", patch)
			return err
		}},
	}
}

// mutations breaks one thing after the other and sees that the step made for it fails, and that step alone.
func (r *replay) mutations() {
	for i, m := range r.mutationsOf() {
		m := m
		n := r.newNode("tarball", mutants[i], r.project)
		r.step("mutation", "caught-by-"+m.caughtBy, m.name+": the step "+m.caughtBy+" fails", func() (string, error) {
			defer n.stop()
			quiet := &replay{
				options: r.options, recorder: &recorder{version: r.version, quiet: true}, folder: r.folder, cp: r.cp, project: r.project,
				nodes: r.nodes,
			}
			if err := n.mutate(r, m); err != nil {
				return "", err
			}
			failed := quiet.attempt(func() {
				quiet.tokenSecret(n.Name)
				quiet.joins([]*node{n})
			})
			if m.restore != nil {
				if err := m.restore(); err != nil {
					return "", err
				}
			}
			if failed == nil {
				return "", fmt.Errorf("no step failed")
			}
			seen := failed.Name + " failed: " + cut(failed.Seen, 160)
			if failed.Name != m.caughtBy {
				return failed.Name + " failed: " + failed.Seen, fmt.Errorf("%s should have", m.caughtBy)
			}
			return seen, nil
		})
	}
}

func (n *node) mutate(r *replay, m mutation) error {
	if err := n.lay(r.project, r.Judges); err != nil {
		return err
	}
	if m.inNode != nil {
		if err := m.inNode(n); err != nil {
			return err
		}
	}
	if m.inside != nil {
		if err := m.inside(); err != nil {
			return err
		}
	}
	return n.start()
}

// review: with `approval: review` no client certificate is issued until somebody approves it.
func (r *replay) review() {
	name := reviewed[0]
	var p *project
	r.step("cluster", "review-bundle-applied", "the RBAC of `approval: auto` goes, that of `approval: review` comes", func() (string, error) {
		var err error
		text := inventory(r.version, "review", reviewed)
		if p, err = newProject(filepath.Join(r.folder, "review"), r.Nodebake, r.cp.ca.file("ca.pem"), text); err != nil {
			return "", err
		}
		if _, err := r.cp.kubectl("delete", "-k", r.project.out("cluster/rbac")); err != nil {
			return "", err
		}
		said, err := r.cp.kubectl("apply", "-k", p.out("cluster/rbac"))
		if err != nil {
			return said, err
		}
		again, err := r.cp.kubectl("apply", "-k", p.out("cluster/tokens"))
		return said + again, err
	})
	theirs := *r
	theirs.project = p
	n := theirs.newNode("tarball", name, p)
	r.step("tarball", "review-csr-waits", "the client request of "+name+" stays Pending while the controller approves nothing", func() (string, error) {
		if err := n.lay(p, r.Judges); err != nil {
			return "", err
		}
		if err := n.start(); err != nil {
			return "", err
		}
		waiting, err := theirs.requestIn(n, "system:bootstrap:"+n.tokenID, "Pending", soon)
		if err != nil {
			return "", err
		}
		seen := waiting.Metadata.Name + " is " + waiting.state()
		return seen, theirs.approve(waiting)
	})
	theirs.approved(n)
	theirs.wroteItsFiles(n)
	theirs.registered(n)
	n.stop()
}
