package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// quiet is how long nothing may happen for it to count as nothing.
const quiet = 8 * time.Second

// probe is an honest request of a node for a serving certificate, as a kubelet makes it when it renews.
func (r *replay) probe(n *node) (string, error) {
	r.probes++
	f := forgery{
		name: fmt.Sprintf("probe-%d", r.probes), commonName: "system:node:" + n.Name, organisation: "system:nodes", usage: "server auth",
		signer: servingSigner, names: []string{n.Name}, addresses: []string{n.Address},
	}
	object, err := f.object(r.cp.csrs())
	if err != nil {
		return "", err
	}
	by, err := r.nodeItself(n)()
	if err != nil {
		return "", err
	}
	return f.name, by.post(r.cp.csrs(), object, nil)
}

// approvedSoon: an honest request is approved.
func (r *replay) approvedSoon(step, what string, n *node) {
	r.step("cluster", "approver-"+step, what+": an honest request is approved", func() (string, error) {
		name, err := r.probe(n)
		if err != nil {
			return "", err
		}
		return r.stateOf(name, "Approved", "", 60*time.Second)
	})
}

// leftAlone: an honest request stays Pending; it is approved when all is well again.
func (r *replay) leftAlone(step, what, reason string, n *node, back func() error) {
	r.step("cluster", "approver-"+step, what+": everything is left, and approved when it is well again", func() (string, error) {
		time.Sleep(4 * time.Second) // the folder is read every two seconds
		name, err := r.probe(n)
		if err != nil {
			return "", err
		}
		time.Sleep(quiet)
		got, err := r.requestNamed(name)
		if err != nil || got.state() != "Pending" {
			return name + " is " + got.state(), fmt.Errorf("it is not Pending %v", err)
		}
		seen := ""
		if reason != "" {
			if seen, err = r.eventOf(name, reason, 10*time.Second); err != nil {
				return seen, err
			}
		}
		if err := back(); err != nil {
			return seen, err
		}
		after, err := r.stateOf(name, "Approved", "", 60*time.Second)
		return seen + "; then " + after, err
	})
}

// approverFaults: what goes wrong in a cluster, and what an attacker with a right too many may do.
func (r *replay) approverFaults(nodes []*node) {
	n := nodes[0]
	one := r.running["one"]
	two := r.newApprover("two")
	two.mustStart(r)
	r.approvedSoon("two-replicas", "with two replicas", n)
	one.kill()
	r.approvedSoon("leader-killed", "when the replica that acts was killed", n)
	one.mustStart(r)
	r.step("cluster", "approver-hands-over", "a replica that is told to end gives its Lease away", func() (string, error) {
		return "", two.stop()
	})
	r.approvedSoon("handed-over", "after that", n)
	r.step("cluster", "approver-server-restarted", "the API server ends and starts again", func() (string, error) {
		if err := r.cp.end("kube-apiserver"); err != nil {
			return "", err
		}
		time.Sleep(3 * time.Second)
		if err := r.cp.runAs("kube-apiserver-again", filepath.Join(r.Kubernetes, r.version, "kube-apiserver"), r.cp.apiServerFlags()...); err != nil {
			return "", err
		}
		return "", waitFor("the API server is ready", 180*time.Second, r.cp.log("kube-apiserver-again"), func() (string, bool) {
			status, text, err := r.cp.admin.get("/readyz")
			return fmt.Sprint(status, " ", text, " ", err), status == http.StatusOK
		})
	})
	r.approvedSoon("after-restart", "after the API server was away", n)
	r.approverExtracts(nodes)
}

// approverExtracts: extracts that must not be decided by.
func (r *replay) approverExtracts(nodes []*node) {
	n, revoked := nodes[0], nodes[2]
	good := func() error { return r.useExtract(r.project, nil) }
	bad := func(step, what, reason string, from *project, change func(string) error) {
		if err := r.useExtract(from, change); err != nil {
			r.broken("changing the extract", err)
		}
		r.leftAlone(step, what, reason, n, good)
	}
	bad("tampered", "an extract in which a byte is another", "signature", r.project, func(folder string) error {
		file := filepath.Join(folder, "review.json")
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		return os.WriteFile(file, bytes.Replace(text, []byte(n.Address), []byte("172.27.138.99"), 1), 0o644)
	})
	bad("unsigned", "an extract without its signature", "review.json.sshsig", r.project, func(folder string) error {
		return os.Remove(filepath.Join(folder, "review.json.sshsig"))
	})
	for _, other := range []struct{ step, what, reason, name, more string }{
		{"expired", "an extract whose end has passed", "validUntil", "reviewed", ", validUntil: 2020-01-01T00:00:00Z"},
		{"other-cluster", "an extract of another cluster", "of the cluster other", "other", ""},
	} {
		p, err := r.approving("extract-"+other.step, other.name, other.more)
		if err == nil {
			err = p.signedLike(r.project)
		}
		if err != nil {
			r.broken("building an extract", err)
		}
		bad(other.step, other.what, other.reason, p, nil)
	}
	older, err := os.ReadFile(r.project.out("cluster/approver/review.json"))
	if err != nil {
		r.broken("reading the extract", err)
	}
	signature, err := os.ReadFile(r.project.out("cluster/approver/review.json.sshsig"))
	if err != nil {
		r.broken("reading the signature", err)
	}
	r.step("cluster", "approver-revoked", "a node that is revoked in a new extract gets no new certificate, without a restart", func() (string, error) {
		if err := do(r.Nodebake, "token", "revoke", r.project.folder, revoked.Name); err != nil {
			return "", err
		}
		// A payload of it is not built any more.
		if err := r.project.leaveOut(revoked.Name); err != nil {
			return "", err
		}
		if err := good(); err != nil {
			return "", err
		}
		time.Sleep(6 * time.Second)
		name, err := r.probe(revoked)
		if err != nil {
			return "", err
		}
		return r.stateOf(name, "Denied", "is revoked", 30*time.Second)
	})
	bad("older", "an extract from before the revocation", "older", r.project, func(folder string) error {
		if err := os.WriteFile(filepath.Join(folder, "review.json"), older, 0o644); err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(folder, "review.json.sshsig"), signature, 0o644)
	})
	if err := r.useExtract(r.project, func(folder string) error {
		if err := os.WriteFile(filepath.Join(folder, "review.json"), older, 0o644); err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(folder, "review.json.sshsig"), signature, 0o644)
	}); err != nil {
		r.broken("changing the extract", err)
	}
	one := r.running["one"]
	one.kill()
	if err := one.start(r); err != nil {
		r.broken("starting the approver", err)
	}
	time.Sleep(18 * time.Second)
	r.leftAlone("older-after-restart", "the same, by a program that never saw the newer one", "older", n, good)
}

// leaveOut takes a node of the reference out of the inventory, and builds again.
func (p *project) leaveOut(name string) error {
	file := filepath.Join(p.folder, "cluster.yaml")
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	entry := fmt.Sprintf("  - name: %s\n    addresses: [%s]\n", name, p.addresses[name])
	if !strings.Contains(string(text), entry) {
		return fmt.Errorf("%s is not in %s", name, file)
	}
	if err := os.WriteFile(file, []byte(strings.Replace(string(text), entry, "", 1)), 0o644); err != nil {
		return err
	}
	return p.build()
}

// signedLike gives a project the key of another one, and builds it again.
func (p *project) signedLike(other *project) error {
	for _, name := range []string{"sign.key", "sign.pub", "allowed_signers"} {
		text, err := os.ReadFile(filepath.Join(other.folder, "keys", name))
		if err != nil {
			return err
		}
		mode := os.FileMode(0o644)
		if name == "sign.key" {
			mode = 0o600
		}
		if err := os.WriteFile(filepath.Join(p.folder, "keys", name), text, mode); err != nil {
			return err
		}
	}
	return p.build()
}

// approverRights: every verb is needed. Without it an honest request is left, or its reason is not told.
func (r *replay) approverRights(n *node) {
	for _, right := range []struct{ verb, kind, namespace, resource string }{
		{"list", "clusterroles", "", "certificatesigningrequests"}, {"watch", "clusterroles", "", "certificatesigningrequests"},
		{"patch", "clusterroles", "", "certificatesigningrequests/approval"}, {"approve", "clusterroles", "", "signers"},
		{"get", "roles", approverNamespace, "leases"}, {"update", "roles", approverNamespace, "leases"},
		{"create", "roles", "default", "events"},
	} {
		path := "/apis/rbac.authorization.k8s.io/v1/" + right.kind + "/nodebake-approver"
		if right.namespace != "" {
			path = "/apis/rbac.authorization.k8s.io/v1/namespaces/" + right.namespace + "/" + right.kind + "/nodebake-approver"
		}
		name := strings.ReplaceAll(right.resource, "/", "-")
		r.step("cluster", "approver-needs-"+right.verb+"-"+name, "without "+right.verb+" on "+right.resource+" it does not do its work", func() (string, error) {
			one := r.running["one"]
			if err := one.stop(); err != nil {
				return "", err
			}
			var role map[string]any
			if err := r.cp.admin.read(path, &role); err != nil {
				return "", err
			}
			whole, _ := json.Marshal(role["rules"])
			if err := r.setRules(path, without(role["rules"].([]any), right.verb, right.resource)); err != nil {
				return "", err
			}
			if err := one.start(r); err != nil {
				return "", err
			}
			time.Sleep(5 * time.Second)
			name, err := r.probeFor(n, right.resource == "events")
			if err != nil {
				return "", err
			}
			time.Sleep(quiet)
			got, err := r.requestNamed(name)
			if err != nil {
				return "", err
			}
			_, told := r.eventOf(name, "", time.Second)
			seen := fmt.Sprint(name, " is ", got.state(), ", told: ", told == nil)
			if got.state() != "Pending" || right.resource == "events" && told == nil {
				return seen, fmt.Errorf("it works without it")
			}
			var rules []any
			if err := json.Unmarshal(whole, &rules); err != nil {
				return seen, err
			}
			if err := r.setRules(path, rules); err != nil {
				return seen, err
			}
			if right.resource == "events" {
				_, err := r.eventOf(name, "", 60*time.Second)
				return seen + "; with it the reason is told", err
			}
			after, err := r.stateOf(name, "Approved", "", 90*time.Second)
			return seen + "; with it " + cut(after, 40), err
		})
	}
}

// probeFor is an honest request, or one that is left with an Event.
func (r *replay) probeFor(n *node, left bool) (string, error) {
	if !left {
		return r.probe(n)
	}
	strange := *n
	strange.Address = "172.27.138.98"
	return r.probe(&strange)
}

func (r *replay) setRules(path string, rules []any) error {
	body, err := json.Marshal(map[string]any{"rules": rules})
	if err != nil {
		return err
	}
	status, text, err := r.cp.admin.call("PATCH", path, body, "application/merge-patch+json")
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("PATCH %s: %d %s", path, status, text)
	}
	return err
}

// without are the rules without one verb on one resource.
func without(rules []any, verb, resource string) (left []any) {
	for _, rule := range rules {
		rule := rule.(map[string]any)
		if !containsAny(rule["resources"].([]any), resource) {
			left = append(left, rule)
			continue
		}
		var verbs []any
		for _, one := range rule["verbs"].([]any) {
			if one != verb {
				verbs = append(verbs, one)
			}
		}
		if len(verbs) > 0 {
			changed := map[string]any{}
			for key, value := range rule {
				changed[key] = value
			}
			changed["verbs"] = verbs
			left = append(left, changed)
		}
	}
	if left == nil {
		left = []any{}
	}
	return left
}

func containsAny(list []any, one string) bool {
	for _, item := range list {
		if item == one {
			return true
		}
	}
	return false
}

// approverLoad: many nodes ask at the same moment, as when a site has power again.
func (r *replay) approverLoad() {
	one := r.running["one"]
	r.step("cluster", "approver-load-asked", fmt.Sprintf("%d nodes ask for serving certificates", loads), func() (string, error) {
		if err := one.stop(); err != nil {
			return "", err
		}
		return "", r.askAll()
	})
	r.step("cluster", "approver-load", fmt.Sprintf("%d requests are decided within 20 s, in less than 64 MiB", loads), func() (string, error) {
		begun := time.Now()
		if err := one.start(r); err != nil {
			return "", err
		}
		err := waitFor("all are decided", 90*time.Second, r.approverLog("one"), func() (string, bool) {
			_, text := one.get("/metrics")
			for _, line := range strings.Split(text, "\n") {
				if strings.HasPrefix(line, `nodebake_approver_verdicts_total{decision="approve",rule="serving"}`) {
					var count int
					_, _ = fmt.Sscan(line[strings.LastIndex(line, " ")+1:], &count)
					return line, count >= loads
				}
			}
			return cut(text, 200), false
		})
		took := time.Since(begun)
		peak, peakErr := one.peak()
		seen := fmt.Sprintf("%.1f s, %d KiB", took.Seconds(), peak)
		switch {
		case err != nil:
			return seen, err
		case peakErr != nil:
			return seen, peakErr
		case took > 20*time.Second || peak > 64<<10:
			return seen, fmt.Errorf("it took too much")
		}
		return seen, nil
	})
}

// askAll makes the requests of all load nodes, in their names: an administrator may impersonate.
func (r *replay) askAll() error {
	numbers := make(chan int)
	errs := make(chan error, loads)
	var all sync.WaitGroup
	for worker := 0; worker < 16; worker++ {
		all.Add(1)
		go func() {
			defer all.Done()
			for number := range numbers {
				errs <- r.askAs(fmt.Sprintf("load-%04d", number), fmt.Sprintf("10.99.%d.%d", number/256, number%256))
			}
		}()
	}
	for number := 1; number <= loads; number++ {
		numbers <- number
	}
	close(numbers)
	all.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *replay) askAs(name, address string) error {
	f := forgery{
		name: name, commonName: "system:node:" + name, organisation: "system:nodes", usage: "server auth", signer: servingSigner,
		names: []string{name}, addresses: []string{address},
	}
	object, err := f.object(r.cp.csrs())
	if err != nil {
		return err
	}
	body, err := json.Marshal(object)
	if err != nil {
		return err
	}
	request, err := http.NewRequest("POST", apiURL+r.cp.csrs(), bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Impersonate-User", "system:node:"+name)
	request.Header.Add("Impersonate-Group", "system:nodes")
	request.Header.Add("Impersonate-Group", "system:authenticated")
	answer, err := r.cp.admin.client.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode/100 != 2 {
		return fmt.Errorf("%s: %s", name, answer.Status)
	}
	return nil
}
