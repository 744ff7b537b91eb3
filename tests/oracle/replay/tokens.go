package main

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// tokenVersions are the names and resourceVersions of all token Secrets.
func (r *replay) tokenVersions() (string, error) {
	said, err := r.cp.kubectl("get", "secrets", "-n", "kube-system", "--field-selector=type=bootstrap.kubernetes.io/token", "-o",
		"custom-columns=:metadata.name,:metadata.resourceVersion")
	return oneLine(said), err
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
			case until.Before(time.Now().Add(time.Hour)):
				return seen, fmt.Errorf("it expires too soon")
			}
			who, err := r.authenticated(id + "." + string(s.Data["token-secret"]))
			if err == nil && (who.Username != "system:bootstrap:"+id || !containsAll(who.Groups, append(r.project.groups[name], group))) {
				err = fmt.Errorf("for the API server it is %s of %q, not of %q", who.Username, who.Groups, r.project.groups[name])
			}
			return seen, err
		})
}

// identity is who somebody is for the API server.
type identity struct {
	Username string   `json:"username"`
	Groups   []string `json:"groups"`
}

// authenticated asks the API server whose a token is.
func (r *replay) authenticated(token string) (identity, error) {
	var review struct {
		Status struct {
			Authenticated bool     `json:"authenticated"`
			User          identity `json:"user"`
			Error         string   `json:"error"`
		} `json:"status"`
	}
	err := r.cp.admin.post("/apis/authentication.k8s.io/v1/tokenreviews", map[string]any{
		"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": map[string]any{"token": token},
	}, &review)
	if err == nil && !review.Status.Authenticated {
		err = fmt.Errorf("the API server does not know the token %s", review.Status.Error)
	}
	return review.Status.User, err
}

// withToken asks for something with a token and returns status and answer.
func (r *replay) withToken(token, path string) (int, string, error) {
	c, err := r.cp.ca.caller(apiURL, "", token)
	if err != nil {
		return 0, "", err
	}
	return c.get(path)
}

// tokenOf is a whole token, from its Secret.
func (r *replay) tokenOf(id string) (string, error) {
	var s secret
	if err := r.cp.admin.read(r.secretPath(id), &s); err != nil {
		return "", err
	}
	return string(s.Data["token-id"]) + "." + string(s.Data["token-secret"]), nil
}

func base64Of(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }

// refused waits until the API server takes a token no more.
func (r *replay) refused(token string) (string, error) {
	var seen string
	err := waitFor("the token is refused", soon, r.cp.log("kube-apiserver"), func() (string, bool) {
		status, text, err := r.withToken(token, "/api/v1/nodes")
		seen = fmt.Sprint(status)
		return fmt.Sprint(status, text, err), status == http.StatusUnauthorized
	})
	return seen, err
}

// secretGone waits until a token's Secret is no more.
func (r *replay) secretGone(id string) error {
	return waitFor("its Secret is gone", soon, r.cp.log("kube-controller-manager"), func() (string, bool) {
		status, _, err := r.cp.admin.get(r.secretPath(id))
		return fmt.Sprint(status, err), status == http.StatusNotFound
	})
}

// endsAt is what a Secret's expiration is set to.
func endsAt(after time.Duration) string { return time.Now().Add(after).UTC().Format(time.RFC3339) }
