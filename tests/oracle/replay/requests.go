package main

import (
	"fmt"
	"time"
)

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

// requestIn waits for a request of a user in a state; no state is any.
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

// requestNamed reads one request.
func (r *replay) requestNamed(name string) (request, error) {
	var one request
	return one, r.cp.admin.read(r.cp.csrs()+"/"+name, &one)
}
