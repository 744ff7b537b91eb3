package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Where the approver is in the cluster.
const (
	approverNamespace = "nodebake-approver"
	approverAccount   = "system:serviceaccount:nodebake-approver:nodebake-approver"
	approverImage     = "registry.example.com/nodebake-approver@sha256:0000000000000000000000000000000000000000000000000000000000000000"
)

// loads are how many nodes ask at once.
const loads = 2000

// approving is a project of one cluster whose requests the approver decides; `more` are further keys of its inventory.
func (r *replay) approving(folder, name, more string) (*project, error) {
	made, err := newProject(filepath.Join(r.folder, folder), r.Nodebake, r.cp.ca, inventory{
		version: r.version, approval: "approver", name: name, nodes: namesOf(r.groups()), subnet: "172.27.142",
		more: fmt.Sprintf("approver: {image: %q%s}\n", approverImage, more),
		// Nodes that others made, so that they have no payload: only what they may ask for counts.
		others: fmt.Sprintf("  - {range: {names: \"load-[0001-%d]\", start: 10.99.0.1, within: 10.99.0.0/16}, managed: false}\n", loads),
	})
	return made, err
}

// prepareApprover makes the cluster, the images and the project.
func (r *replay) prepareApprover() error {
	if err := r.prepareCluster(); err != nil {
		return err
	}
	if err := r.writeImages(); err != nil {
		return err
	}
	var err error
	if r.project, err = r.approving("project", "reviewed", ""); err != nil {
		return err
	}
	return r.cp.waitReady(filepath.Join(r.Kubernetes, r.version))
}

// approverCluster: nodes come to Ready while nobody does anything, attackers do not, and faults approve nothing.
func (r *replay) approverCluster() {
	r.approverApplied()
	a := r.newApprover("one")
	a.mustStart(r)
	var nodes []*node
	for _, part := range r.groups() {
		nodes = append(nodes, r.boot(part)...)
	}
	for _, n := range nodes {
		if _, err := n.layNetwork(); err != nil {
			r.broken("laying the network of "+n.Name, err)
		}
	}
	for _, n := range nodes {
		r.step(n.format, "approver-ready", n.Name+" is Ready, and nobody approved anything by hand", func() (string, error) {
			return r.waitReady(n, time.Time{})
		})
		r.step(n.format, "approver-serves", n.Name+" serves 10250 with a certificate of the cluster's CA", func() (string, error) {
			return r.answersByTLS(n)
		})
	}
	r.approverVerdicts(nodes)
	r.approverRenews(nodes[0])
	r.approverFaults(nodes)
	r.approverRights(nodes[0])
	r.approverLoad()
}

// approverApplied: one `kubectl apply -k` for each folder, as the documentation says it.
func (r *replay) approverApplied() {
	for _, folder := range []string{"rbac", "tokens", "approver"} {
		r.step("cluster", "approver-applied-"+folder, "kubectl apply -k cluster/"+folder+" creates all objects", func() (string, error) {
			said, err := r.cp.kubectl("apply", "-k", r.project.out("cluster/"+folder))
			return cut(oneLine(said), 100), only(said, "created", err)
		})
	}
	r.step("cluster", "approver-applied-twice", "the second kubectl apply changes nothing", func() (string, error) {
		said, err := r.cp.kubectl("apply", "-k", r.project.out("cluster/approver"))
		return cut(oneLine(said), 100), only(said, "unchanged", err)
	})
	r.step("cluster", "approver-restricted", "the namespace enforces the standard `restricted`, and its two pods are let in", func() (string, error) {
		var pods struct {
			Items []struct {
				Metadata meta `json:"metadata"`
			} `json:"items"`
		}
		var seen string
		err := waitFor("there are two pods", soon, r.cp.log("kube-controller-manager"), func() (string, bool) {
			err := r.cp.admin.read("/api/v1/namespaces/"+approverNamespace+"/pods", &pods)
			seen = fmt.Sprint(len(pods.Items), " pods ", err)
			return seen, len(pods.Items) == 2
		})
		return seen, err
	})
	r.step("cluster", "approver-rights", "kubectl auth can-i --list shows the approver's few rights and nothing else", func() (string, error) {
		return r.rightsOf(approverNamespace, map[string]string{
			"certificatesigningrequests.certificates.k8s.io":          "[list watch]",
			"certificatesigningrequests.certificates.k8s.io/approval": "[patch]",
			"signers.certificates.k8s.io":                             "[approve]",
			"leases.coordination.k8s.io":                              "[get update]",
		})
	})
	r.step("cluster", "approver-rights-elsewhere", "in the namespace default it may make events, and read no Secret anywhere", func() (string, error) {
		seen, err := r.rightsOf("default", map[string]string{
			"certificatesigningrequests.certificates.k8s.io":          "[list watch]",
			"certificatesigningrequests.certificates.k8s.io/approval": "[patch]",
			"signers.certificates.k8s.io":                             "[approve]",
			"events":                                                  "[create]",
		})
		return seen, err
	})
}

// everybodys are what any ServiceAccount may do (system:basic-user, system:discovery, system:public-info-viewer).
var everybodys = []string{
	"selfsubjectreviews.authentication.k8s.io", "selfsubjectaccessreviews.authorization.k8s.io", "selfsubjectrulesreviews.authorization.k8s.io",
}

func (r *replay) rightsOf(namespace string, wanted map[string]string) (string, error) {
	said, err := r.cp.kubectl("auth", "can-i", "--list", "--no-headers", "-n", namespace, "--as="+approverAccount)
	if err != nil {
		return said, err
	}
	found := map[string]string{}
	for _, line := range strings.Split(strings.TrimSpace(said), "\n") {
		resource := strings.Fields(line)[0]
		verbs := line[strings.LastIndex(line, "["):]
		// A line without a resource is of a URL that everybody may read.
		if strings.HasPrefix(resource, "[") || contains(everybodys, resource) {
			continue
		}
		found[resource] = verbs
	}
	for resource, verbs := range wanted {
		if found[resource] != verbs {
			return said, fmt.Errorf("%s has %q, not %q", resource, found[resource], verbs)
		}
	}
	if len(found) != len(wanted) {
		return said, fmt.Errorf("there is more: %v", found)
	}
	return fmt.Sprint(found), nil
}

// approverVerdicts: what attackers ask for gets the verdict that `csr review` has for it.
func (r *replay) approverVerdicts(nodes []*node) {
	for _, attackers := range [][]forgery{r.forgedByTokens(nodes), r.forgedByNodes(nodes)} {
		r.forge(attackers)
		for _, f := range attackers {
			does, state := "denies", "Denied"
			// Requests of other signers it may not even see.
			if f.left || f.signer != clientSigner && f.signer != servingSigner {
				does, state = "leaves", "Pending"
			}
			r.step("cluster", "approver-"+does+"-"+f.step, f.what+" is "+state, func() (string, error) {
				if state == "Pending" {
					time.Sleep(3 * time.Second)
				}
				return r.stateOf(f.name, state, f.reason, 30*time.Second)
			})
			if f.left {
				r.step("cluster", "approver-tells-"+f.step, "an Event has the reason", func() (string, error) {
					return r.eventOf(f.name, f.reason, 30*time.Second)
				})
			}
		}
	}
}

// approverRenews: a node's own requests for new certificates of both kinds are approved; those of a node that nobody knows are left.
func (r *replay) approverRenews(n *node) {
	r.step("cluster", "approver-renews-client", "a node's request for a new client certificate is approved", func() (string, error) {
		f := forgery{
			name: "renewal-client", commonName: "system:node:" + n.Name, organisation: "system:nodes", usage: "client auth", signer: clientSigner,
		}
		object, err := f.object(r.cp.csrs())
		if err != nil {
			return "", err
		}
		by, err := r.nodeItself(n)()
		if err != nil {
			return "", err
		}
		if err := by.post(r.cp.csrs(), object, nil); err != nil {
			return "", err
		}
		return r.stateOf(f.name, "Approved", "", 30*time.Second)
	})
	r.approvedSoon("renews-serving", "a node asks for a new serving certificate", n)
	r.step("cluster", "approver-leaves-unknown", "a request of a node that is not in the inventory is left, and an Event says so", func() (string, error) {
		if err := r.askAs("stranger-01", "10.99.250.1"); err != nil {
			return "", err
		}
		if seen, err := r.eventOf("stranger-01", "unknown-node", 30*time.Second); err != nil {
			return seen, err
		}
		return r.stateOf("stranger-01", "Pending", "", 5*time.Second)
	})
}

// stateOf waits for the state of a request; a denial has its reason in the condition.
func (r *replay) stateOf(name, state, reason string, limit time.Duration) (string, error) {
	var seen string
	err := waitFor(name+" is "+state, limit, r.approverLog("one"), func() (string, bool) {
		got, err := r.requestNamed(name)
		if err != nil {
			return err.Error(), false
		}
		seen = got.state()
		for _, c := range got.Status.Conditions {
			seen += ": " + c.Message
		}
		fits := strings.HasPrefix(seen, state)
		return seen, fits && (state != "Denied" || strings.Contains(seen, reason))
	})
	return seen, err
}

func (r *replay) eventOf(name, reason string, limit time.Duration) (string, error) {
	var seen string
	err := waitFor("there is an event about "+name, limit, r.approverLog("one"), func() (string, bool) {
		var list struct {
			Items []struct {
				Message string `json:"message"`
			} `json:"items"`
		}
		err := r.cp.admin.read("/api/v1/namespaces/default/events?fieldSelector=involvedObject.name%3D"+name, &list)
		for _, item := range list.Items {
			seen = item.Message
			if strings.Contains(seen, reason) {
				return seen, true
			}
		}
		return fmt.Sprint(seen, err), false
	})
	return seen, err
}

func (r *replay) approverLog(name string) string {
	return filepath.Join(r.folder, "approver-"+name+".log")
}

// useExtract puts a bundle's extract where the approvers read it, as the kubelet does with a ConfigMap: all files at once.
func (r *replay) useExtract(from *project, change func(folder string) error) error {
	folder := filepath.Join(r.folder, "review")
	r.extracts++
	next := fmt.Sprintf("%s/..%d", folder, r.extracts)
	if err := os.MkdirAll(next, 0o755); err != nil {
		return err
	}
	for _, name := range []string{"review.json", "review.json.sshsig"} {
		text, err := os.ReadFile(from.out("cluster/approver", name))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(next, name), text, 0o644); err != nil {
			return err
		}
		link := filepath.Join(folder, name)
		if _, err := os.Lstat(link); err != nil {
			if err := os.Symlink("..data/"+name, link); err != nil {
				return err
			}
		}
	}
	if change != nil {
		if err := change(next); err != nil {
			return err
		}
	}
	if err := os.Symlink(filepath.Base(next), folder+"/..data_tmp"); err != nil {
		return err
	}
	return os.Rename(folder+"/..data_tmp", folder+"/..data")
}
