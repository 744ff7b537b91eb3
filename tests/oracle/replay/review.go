package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// brings is a node that brings its certificates and has no token.
const brings = "brings-01"

// reviewed is the second half of a run: the same cluster with `approval: review`, where nobody gets a certificate but by `csr review --apply`.
func (r *replay) reviewed() {
	p := r.reviewBundle()
	theirs := *r
	theirs.project = p
	theirs.threeReviewed()
}

// reviewBundle puts the cluster into the state before its first node, with the RBAC that approves nothing.
func (r *replay) reviewBundle() *project {
	var p *project
	r.step("cluster", "review-bundle-applied", "the RBAC of `approval: auto` goes, that of `approval: review` comes", func() (string, error) {
		var err error
		p, err = newProject(filepath.Join(r.folder, "review"), r.Nodebake, r.cp.ca, inventory{
			version: r.version, approval: "review", nodes: groups[0].names, brought: []string{brings}, subnet: "172.27.141",
		})
		if err != nil {
			return "", err
		}
		for _, args := range [][]string{
			{"delete", "-k", r.project.out("cluster/rbac")}, {"delete", "csr", "--all"}, {"delete", "nodes", "--all"},
			{"delete", "pods", "--all", "--force", "--grace-period=0"},
		} {
			if said, err := r.cp.kubectl(args...); err != nil {
				return said, err
			}
		}
		said, err := r.cp.kubectl("apply", "-k", p.out("cluster/rbac"))
		if err != nil {
			return said, err
		}
		again, err := r.cp.kubectl("apply", "-k", p.out("cluster/tokens"))
		return said + again, err
	})
	return p
}

// threeReviewed: the reference's nodes come to Ready, attackers do not, and then tokens end before their time.
func (r *replay) threeReviewed() {
	nodes := r.boot(groups[0])
	for _, n := range nodes {
		r.step(n.format, "review-csr-waits", "the client request of "+n.Name+" stays Pending while the controller approves nothing",
			func() (string, error) {
				waiting, err := r.requestIn(n, "system:bootstrap:"+n.tokenID, "Pending", soon)
				return waiting.Metadata.Name + " is " + waiting.state(), err
			})
	}
	attackers := r.forgedByTokens(nodes)
	r.forge(attackers)
	r.reviewApplied(attackers)
	for _, n := range nodes {
		r.issued(n)
		r.wroteItsFiles(n)
	}
	// Early, so that the overlap passes while other things are seen.
	rotated := r.rotates(nodes[1])
	for _, n := range nodes {
		r.registered(n)
		r.servingPending(n)
	}
	attackers = r.forgedByNodes(nodes)
	r.forge(attackers)
	r.reviewApplied(attackers)
	r.together(func(r *replay) {
		for _, n := range nodes {
			r.serves(n)
		}
		r.ready(nodes)
	}, (*replay).bringsCertificates)
	if err := r.cp.startSecond(filepath.Join(r.Kubernetes, r.version)); err != nil {
		r.broken("starting a second API server", err)
	}
	upgraded := r.upgradeBundle(nodes[0])
	r.overlapEnds(nodes[1], rotated)
	r.revokes(nodes[2])
	for _, n := range nodes[1:] {
		n.stop()
	}
	r.upgrades(nodes[0], upgraded)
}

// issued: what was approved by review becomes a certificate.
func (r *replay) issued(n *node) {
	r.step(n.format, "review-client-issued", "the request of "+n.Name+"'s own token is approved, and its certificate issued", func() (string, error) {
		got, err := r.requestIn(n, "system:bootstrap:"+n.tokenID, "Approved,Issued", soon)
		return got.Metadata.Name + " is " + got.state(), err
	})
}

// verdict is what `csr review -o json` says of a request.
type verdict struct{ Name, Requestor, Decision, Reason string }

// reviewApplied runs `kubectl get csr -o json` and `nodebake csr review --apply`, and sees that no attacker got through.
func (r *replay) reviewApplied(attackers []forgery) {
	var verdicts map[string]verdict
	r.step("cluster", "review-applied", "nodebake csr review --apply approves and denies through kubectl", func() (string, error) {
		var err error
		verdicts, err = r.review()
		counts := map[string]int{}
		for _, v := range verdicts {
			counts[v.Decision]++
		}
		return fmt.Sprint(counts), err
	})
	for _, f := range attackers {
		does, state, decision := "denies", "Denied", "deny"
		if f.left {
			does, state, decision = "leaves", "Pending", "leave"
		}
		r.step("cluster", "review-"+does+"-"+f.step, f.what+" is "+state, func() (string, error) {
			v := verdicts[f.name]
			got, err := r.requestNamed(f.name)
			seen := got.state() + ": " + v.Reason
			switch {
			case err != nil:
				return seen, err
			case got.state() != state || v.Decision != decision:
				return seen, fmt.Errorf("it is not %s", state)
			case !strings.Contains(v.Reason, f.reason):
				return seen, fmt.Errorf("the reason is not %q", f.reason)
			}
			return seen, nil
		})
	}
}

func (r *replay) review() (map[string]verdict, error) {
	dump, err := r.cp.kubectl("get", "csr", "-o", "json")
	if err != nil {
		return nil, err
	}
	file := filepath.Join(r.folder, "csr.json")
	if err := os.WriteFile(file, []byte(dump), 0o600); err != nil {
		return nil, err
	}
	said, err := r.cp.withKubectl(r.Nodebake, "csr", "review", file, r.project.folder, "--apply", "-o", "json")
	if err != nil {
		return nil, err
	}
	var list []verdict
	if err := json.Unmarshal([]byte(said), &list); err != nil {
		return nil, fmt.Errorf("%w: %s", err, said)
	}
	verdicts := map[string]verdict{}
	for _, v := range list {
		verdicts[v.Name] = v
	}
	return verdicts, nil
}

// ready: with a network the nodes are Ready.
func (r *replay) ready(nodes []*node) {
	for _, n := range nodes {
		if _, err := n.layNetwork(); err != nil {
			r.broken("laying the network of "+n.Name, err)
		}
	}
	for _, n := range nodes {
		r.step(n.format, "review-ready", n.Name+" is Ready with its serving certificate", func() (string, error) { return r.waitReady(n, time.Time{}) })
	}
}
