package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// soon is how long something may take on a busy machine; what is waited for is usually there in a second.
const soon = 90 * time.Second

// A kubelet's log lines that make waiting hopeless.
var hopeless = []string{
	"unknown flag", "certificate signed by unknown authority", "failed to load Kubelet config file", "failed to parse kubelet flag",
}

// refusedBeforeRBAC: with tokens in the cluster but without the RBAC bundle, no node gets in.
func (r *replay) refusedBeforeRBAC(nodes []*node) {
	r.step("cluster", "tokens-applied", "kubectl apply -k cluster/tokens creates one Secret a node", func() (string, error) {
		said, err := r.cp.kubectl("apply", "-k", r.project.out("cluster/tokens"))
		if err == nil && strings.Count(said, "created") != len(r.names()) {
			err = fmt.Errorf("%d were created", strings.Count(said, "created"))
		}
		return cut(oneLine(said), 100), err
	})
	for _, n := range nodes {
		r.step(n.format, "csr-refused-before-rbac", "the kubelet says that system:bootstrap:"+n.tokenID+" cannot create certificatesigningrequests",
			func() (string, error) {
				line, err := logged(n, soon, []string{
					"system:bootstrap:" + n.tokenID, "cannot create resource", "certificatesigningrequests",
				}, hopeless...)
				if err == nil {
					var requests []request
					if requests, err = r.requests(""); err == nil && len(requests) > 0 {
						err = fmt.Errorf("the cluster has %d requests", len(requests))
					}
				}
				return line, err
			})
	}
}

// bundleApplied: `kubectl apply` of cluster/, twice, and what is in the cluster then.
func (r *replay) bundleApplied() {
	r.step("cluster", "rbac-applied", "kubectl apply -k cluster/rbac creates all objects", func() (string, error) {
		said, err := r.cp.kubectl("apply", "-k", r.project.out("cluster/rbac"))
		return said, only(said, "created", err)
	})
	r.step("cluster", "applied-twice-changes-nothing", "the second kubectl apply leaves every object at its resourceVersion", func() (string, error) {
		said, err := r.cp.kubectl("apply", "-k", r.project.out("cluster/rbac"))
		if err := only(said, "unchanged", err); err != nil {
			return said, err
		}
		before, err := r.tokenVersions()
		if err != nil {
			return "", err
		}
		// kubectl calls these `configured`: their stringData is never what it reads back. The API server knows better.
		if _, err := r.cp.kubectl("apply", "-k", r.project.out("cluster/tokens")); err != nil {
			return "", err
		}
		after, err := r.tokenVersions()
		if err == nil && before != after {
			err = fmt.Errorf("Secrets were %s", before)
		}
		return cut(oneLine(said), 100) + "; Secrets " + after, err
	})
	for _, name := range r.names() {
		r.tokenSecret(name)
	}
}

// tokenVersions are the names and resourceVersions of all token Secrets.
func (r *replay) tokenVersions() (string, error) {
	said, err := r.cp.kubectl("get", "secrets", "-n", "kube-system", "--field-selector=type=bootstrap.kubernetes.io/token", "-o",
		"custom-columns=:metadata.name,:metadata.resourceVersion")
	return oneLine(said), err
}

// only checks that every line that kubectl printed ends with a word.
func only(said, word string, err error) error {
	for _, line := range strings.Split(strings.TrimSpace(said), "\n") {
		if err == nil && !strings.HasSuffix(line, " "+word) {
			err = fmt.Errorf("not %s: %s", word, line)
		}
	}
	return err
}

type secret struct {
	Metadata meta              `json:"metadata"`
	Type     string            `json:"type"`
	Data     map[string][]byte `json:"data"`
}

func (r *replay) secretPath(id string) string {
	return "/api/v1/namespaces/kube-system/secrets/bootstrap-token-" + id
}

// tokenSecret: the Secret says groups and expiration, and its token is who it should be.
func (r *replay) tokenSecret(name string) {
	id := r.project.tokens[name]
	r.step("cluster", "token-secret", "the Secret of "+name+" has its groups, an expiration to come, and works as system:bootstrap:"+id,
		func() (string, error) {
			var s secret
			if err := r.cp.admin.read(r.secretPath(id), &s); err != nil {
				return "", err
			}
			groups, expiration := string(s.Data["auth-extra-groups"]), string(s.Data["expiration"])
			seen := fmt.Sprintf("%s, groups %s, until %s", s.Type, groups, expiration)
			group := "system:bootstrappers:" + strings.ReplaceAll(name, ".", ":")
			if minorOf(r.version) >= 24 {
				group = "system:bootstrappers:node:" + strings.ReplaceAll(name, ".", ":")
			}
			until, err := time.Parse(time.RFC3339, expiration)
			switch {
			case err != nil:
				return seen, err
			case s.Type != "bootstrap.kubernetes.io/token" || string(s.Data["usage-bootstrap-authentication"]) != "true":
				return seen, fmt.Errorf("type or usage are wrong")
			case !contains(strings.Split(groups, ","), group):
				return seen, fmt.Errorf("group %s is missing", group)
			case until.Before(time.Now().Add(time.Hour)):
				return seen, fmt.Errorf("it expires too soon")
			}
			status, body, err := r.withToken(id+"."+string(s.Data["token-secret"]), "/api/v1/nodes")
			if err == nil && (status != http.StatusForbidden || !strings.Contains(body, "system:bootstrap:"+id)) {
				err = fmt.Errorf("the API server answers %d %s", status, body)
			}
			return seen, err
		})
}

func contains(list []string, one string) bool {
	for _, item := range list {
		if item == one {
			return true
		}
	}
	return false
}

func (r *replay) withToken(token, path string) (int, string, error) {
	c, err := newCaller(r.cp.ca, apiURL, "", token)
	if err != nil {
		return 0, "", err
	}
	return c.get(path)
}

// requests are the certificate signing requests of one user, or of all.
func (r *replay) requests(user string) ([]request, error) {
	var list struct {
		Items []request `json:"items"`
	}
	if err := r.cp.admin.read(r.cp.csrs(), &list); err != nil {
		return nil, err
	}
	var found []request
	for _, item := range list.Items {
		if user == "" || item.Spec.Username == user {
			found = append(found, item)
		}
	}
	return found, nil
}

// requestIn waits for a request of a user in a state.
func (r *replay) requestIn(n *node, user, state string, limit time.Duration) (request, error) {
	var found request
	seen := "no request"
	_, err := loggedOr(n, limit, fmt.Sprintf("a request of %s is %s", user, state), func() (string, bool) {
		requests, err := r.requests(user)
		if err != nil {
			return err.Error(), false
		}
		for _, one := range requests {
			seen = one.Metadata.Name + " of " + user + " is " + one.state()
			if state == "" || one.state() == state {
				found = one
				return seen, true
			}
		}
		return seen, false
	})
	return found, err
}

// loggedOr waits for a condition, but no longer than until the node's kubelet says something that makes it hopeless.
func loggedOr(n *node, limit time.Duration, what string, holds func() (string, bool)) (string, error) {
	var last string
	var reason error
	err := waitFor(what, limit, n.kubeletLog(), func() (string, bool) {
		seen, done := holds()
		last = seen
		if done {
			return seen, true
		}
		if reason = n.complaint(); reason != nil {
			return seen, true
		}
		text, _ := os.ReadFile(n.kubeletLog())
		for _, word := range hopeless {
			if strings.Contains(string(text), word) {
				reason = fmt.Errorf("the kubelet cannot go on (%q); %s", word, lastLines(n.kubeletLog()))
				return seen, true
			}
		}
		return seen, false
	})
	if reason != nil {
		return last, reason
	}
	return last, err
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

func containsAll(list, wanted []string) bool {
	for _, one := range wanted {
		if !contains(list, one) {
			return false
		}
	}
	return true
}

func (r *replay) approved(n *node) {
	r.step(n.format, "client-csr-approved", "the controller approves and issues the client certificate of "+n.Name, func() (string, error) {
		limit := soon
		if r.quiet {
			limit = 15 * time.Second
		}
		got, err := r.requestIn(n, "system:bootstrap:"+n.tokenID, "Approved,Issued", limit)
		return got.Metadata.Name + " is " + got.state(), err
	})
}

func (r *replay) wroteItsFiles(n *node) {
	r.step(n.format, "kubeconfig-written", "--kubeconfig and the client certificate in --cert-dir are there, mode 0600", func() (string, error) {
		kubeconfig, current := n.flag("kubeconfig"), filepath.Join(n.flag("cert-dir"), "kubelet-client-current.pem")
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
		at := n.in(path)
		// An absolute link means the node's root, not ours.
		if target, err := os.Readlink(at); err == nil && filepath.IsAbs(target) {
			at = n.in(target)
		}
		info, err := os.Stat(at)
		if err != nil {
			return err.Error(), false
		}
		return fmt.Sprintf("%04o %s", info.Mode().Perm(), strings.TrimPrefix(at, n.root())), info.Mode() == 0o600 && info.Size() > 0
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
			if !strings.HasPrefix(n.Name, "zhangjun") {
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
	user := "system:node:" + n.Name
	var waiting request
	r.step(n.format, "serving-csr-pending", "a request of "+user+" for server auth stays Pending", func() (string, error) {
		limit := soon
		if r.quiet {
			limit = 30 * time.Second
		}
		var err error
		if waiting, err = r.requestIn(n, user, "Pending", limit); err != nil {
			return "", err
		}
		if !contains(waiting.Spec.Usages, "server auth") {
			return "", fmt.Errorf("usages are %q", waiting.Spec.Usages)
		}
		if _, err := os.Lstat(n.in(filepath.Join(n.flag("cert-dir"), "kubelet-server-current.pem"))); err == nil {
			return "", fmt.Errorf("a serving certificate is there already")
		}
		return waiting.Metadata.Name + " is " + waiting.state(), nil
	})
	r.step(n.format, "serving-csr-approved", "after its approval the kubelet serves 10250 with a certificate of the cluster's CA",
		func() (string, error) {
			if err := r.approve(waiting); err != nil {
				return "", err
			}
			seen, err := r.closedFile(n, filepath.Join(n.flag("cert-dir"), "kubelet-server-current.pem"))
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
		})
}

// approve is what `kubectl certificate approve` does, which knows v1 only or v1beta1 only, as its own version has it.
func (r *replay) approve(csr request) error {
	path := r.cp.csrs() + "/" + csr.Metadata.Name
	status, text, err := r.cp.admin.get(path)
	if err != nil || status != http.StatusOK {
		return fmt.Errorf("%d %s %v", status, text, err)
	}
	var object map[string]any
	if err := json.Unmarshal([]byte(text), &object); err != nil {
		return err
	}
	object["status"] = map[string]any{"conditions": []any{
		map[string]any{"type": "Approved", "status": "True", "reason": "Replay", "message": "by hand"},
	}}
	with, err := json.Marshal(object)
	if err != nil {
		return err
	}
	status, said, err := r.cp.admin.call("PUT", path+"/approval", with, "application/json")
	if err != nil || status != http.StatusOK {
		return fmt.Errorf("approving: %d %s %v", status, said, err)
	}
	return nil
}

// tokenOf is a node's whole token, from its Secret.
func (r *replay) tokenOf(name string) (string, error) {
	var s secret
	if err := r.cp.admin.read(r.secretPath(r.project.tokens[name]), &s); err != nil {
		return "", err
	}
	return string(s.Data["token-id"]) + "." + string(s.Data["token-secret"]), nil
}

func base64Of(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }
