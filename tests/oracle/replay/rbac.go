package main

import (
	"fmt"
	"strings"
)

// refusedBeforeRBAC: with tokens in the cluster but without the RBAC bundle, no node gets in.
func (r *replay) refusedBeforeRBAC(nodes []*node) {
	r.step("cluster", "tokens-applied", "kubectl apply -k cluster/tokens creates one Secret a node", func() (string, error) {
		said, err := r.cp.kubectl("apply", "-k", r.project.out("cluster/tokens"))
		if err == nil && strings.Count(said, "created") != len(r.project.nodes) {
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
	for _, name := range r.project.nodes {
		r.tokenSecret(name)
	}
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
