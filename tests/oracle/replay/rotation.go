package main

import (
	"fmt"
	"os"
	"strings"
)

// overlap is how long a token goes on beside its successor: enough, on a busy machine, for what is asked while both live.
const overlap = "40s"

// rotation is a token and its successor.
type rotation struct{ oldID, newID, oldToken, newToken string }

// rotates: `token rotate` with an overlap, its commands piped to sh, and the new bundle's Secrets applied.
func (r *replay) rotates(n *node) (done rotation) {
	r.step("cluster", "rotate-both-authenticate", "after token rotate --overlap old and new token of "+n.Name+" both authenticate", func() (string, error) {
		var err error
		done.oldID = r.project.tokens[n.Name]
		if done.oldToken, err = r.tokenOf(done.oldID); err != nil {
			return "", err
		}
		said, err := r.nodebakeIntoShell("token", "rotate", r.project.folder, n.Name, "--overlap", overlap)
		if err != nil {
			return said, err
		}
		if err := r.project.build(); err != nil {
			return "", err
		}
		if said, err := r.cp.kubectl("apply", "-k", r.project.out("cluster/tokens")); err != nil {
			return said, err
		}
		done.newID = r.project.tokens[n.Name]
		if done.newToken, err = r.tokenOf(done.newID); err != nil {
			return "", err
		}
		for id, token := range map[string]string{done.oldID: done.oldToken, done.newID: done.newToken} {
			who, err := r.authenticated(token)
			if err == nil && who.Username != "system:bootstrap:"+id {
				err = fmt.Errorf("it is %s", who.Username)
			}
			if err != nil {
				return "the token " + id, err
			}
		}
		return fmt.Sprintf("system:bootstrap:%s and system:bootstrap:%s", done.oldID, done.newID), r.manifestsHold(done.oldID, done.newID)
	})
	return done
}

// overlapEnds: the old token is refused and leaves cluster and manifests, and the node joins anew with the new one.
func (r *replay) overlapEnds(n *node, done rotation) {
	r.step("cluster", "rotate-old-ends", "after the overlap the old token is 401 and its Secret is gone; the new one goes on", func() (string, error) {
		// In this order, as with a token that has expired.
		if err := r.secretGone(done.oldID); err != nil {
			return "", err
		}
		seen, err := r.refused(done.oldToken)
		if err != nil {
			return seen, err
		}
		who, err := r.authenticated(done.newToken)
		return seen + " and " + who.Username, err
	})
	r.step("cluster", "rotate-manifests-follow", "after token create the manifests hold the new token alone", func() (string, error) {
		if err := do(r.Nodebake, "token", "create", r.project.folder); err != nil {
			return "", err
		}
		if err := r.project.build(); err != nil {
			return "", err
		}
		if err := r.manifestsHold(done.newID); err != nil {
			return "", err
		}
		if r.manifestsHold(done.oldID) == nil {
			return "", fmt.Errorf("%s is still among them", done.oldID)
		}
		return "no " + done.oldID, nil
	})
	n.stop()
	again := r.boot(group{"tarball", []string{n.Name}})[0]
	r.step("tarball", "rotated-node-joins", n.Name+" asks with its new token, and is approved by review", func() (string, error) {
		waiting, err := r.requestIn(again, "system:bootstrap:"+done.newID, "Pending", soon)
		if err != nil {
			return waiting.Metadata.Name, err
		}
		_, err = r.review()
		return waiting.Metadata.Name, err
	})
	r.issued(again)
	again.stop()
}

// manifestsHold looks for tokens among the bundle's Secrets.
func (r *replay) manifestsHold(ids ...string) error {
	text, err := os.ReadFile(r.project.out("cluster/tokens/tokens.yaml"))
	if err != nil {
		return err
	}
	for _, id := range ids {
		if !strings.Contains(string(text), "bootstrap-token-"+id) {
			return fmt.Errorf("cluster/tokens lacks %s", id)
		}
	}
	return nil
}

// nodebakeIntoShell pipes commands that nodebake prints to sh, as its help says.
func (r *replay) nodebakeIntoShell(args ...string) (string, error) {
	commands, err := ask(r.Nodebake, args...)
	if err != nil {
		return commands, err
	}
	said, err := r.cp.withKubectl("sh", "-euc", commands)
	return commands + said, err
}

// revokes: `token revoke` shuts a node out, with its old payload, with its old token, and with the certificate that it has.
func (r *replay) revokes(n *node) {
	var token string
	r.step("cluster", "revoke-deletes-secret", "the command that token revoke prints deletes the Secret of "+n.Name+", and its token is 401", func() (string, error) {
		var err error
		if token, err = r.tokenOf(n.tokenID); err != nil {
			return "", err
		}
		said, err := r.nodebakeIntoShell("token", "revoke", r.project.folder, n.Name)
		if err != nil {
			return said, err
		}
		if err := r.secretGone(n.tokenID); err != nil {
			return said, err
		}
		seen, err := r.refused(token)
		return oneLine(said) + " → " + seen, err
	})
	r.step("cluster", "revoked-builds-no-more", "nodebake build refuses, and names "+n.Name, func() (string, error) {
		said, err := ask(r.Nodebake, r.project.buildArgs()...)
		if err == nil || !strings.Contains(said, n.Name) || !strings.Contains(said, "revoked") {
			return said, fmt.Errorf("it does not say so: %v", err)
		}
		return oneLine(said), nil
	})
	renewal := named("node", []forgery{{
		step: "revoked-renewal", what: "a renewal that " + n.Name + " asks for with the certificate that it still has", reason: n.Name + " is revoked",
		by: r.nodeItself(n), commonName: "system:node:" + n.Name, organisation: "system:nodes", usage: "client auth", signer: clientSigner,
	}})
	r.forge(renewal)
	r.reviewApplied(renewal)
	n.stop()
	r.step("cluster", "revoked-node-deleted", "kubectl delete node "+n.Name, func() (string, error) { return r.cp.kubectl("delete", "node", n.Name) })
	r.refusedNode("revoked-node-refused", n.Name, nil)
}
