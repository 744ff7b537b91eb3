package main

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

// kubelet is a caller of a node's port 10250.
func (r *replay) kubelet(n *node, certificate, token string) (*caller, error) {
	return r.cp.ca.caller("https://"+n.Address+":10250", certificate, token)
}

// answers: who may call the kubelet, and what the others are told, word for word as in the procedure.
func (r *replay) answers(n *node) {
	forbidden := "Forbidden (user=system:kube-controller-manager, verb=get, resource=nodes, subresource=metrics)"
	if minorOf(r.version) >= 33 {
		forbidden = "Forbidden (user=system:kube-controller-manager, verb=get, resource=nodes, subresource(s)=[metrics])"
	}
	const metrics, cadvisor = "# HELP", "container_cpu_usage_seconds_total"
	for _, one := range []struct{ name, certificate, token, path, answer string }{
		{"kubelet-no-credentials", "", "", "/metrics", "Unauthorized"},
		{"kubelet-bad-bearer-token", "", "123456", "/metrics", "Unauthorized"},
		{"kubelet-without-rights", "kube-controller-manager", "", "/metrics", forbidden},
		{"kubelet-admin-metrics", "admin", "", "/metrics", metrics},
		{"kubelet-cadvisor", "admin", "", "/metrics/cadvisor", cadvisor},
	} {
		r.step(n.format, one.name, "GET "+one.path+" → "+one.answer, func() (string, error) {
			c, err := r.kubelet(n, one.certificate, one.token)
			if err != nil {
				return "", err
			}
			return answered(c, one.path, one.answer)
		})
	}
	r.step(n.format, "kubelet-service-account", "a ServiceAccount bound to system:kubelet-api-admin gets metrics", func() (string, error) {
		token, err := r.serviceAccountToken()
		if err != nil {
			return "", err
		}
		c, err := r.kubelet(n, "", token)
		if err != nil {
			return "", err
		}
		return answered(c, "/metrics", metrics)
	})
	r.step(n.format, "api-server-reaches-kubelet", "kubectl get --raw …/proxy/metrics works by kube-apiserver:kubelet-apis", func() (string, error) {
		said, err := r.cp.kubectl("get", "--raw", "/api/v1/nodes/"+n.Name+"/proxy/metrics")
		if err == nil && !strings.Contains(said, metrics) {
			err = fmt.Errorf("no metrics")
		}
		return cut(said, 100), err
	})
}

// answered compares a kubelet's answer with what it should begin with, or hold.
func answered(c *caller, path, wanted string) (string, error) {
	status, text, err := c.get(path)
	seen := fmt.Sprintf("%d %s", status, cut(text, 120))
	exact := wanted == "Unauthorized" || strings.HasPrefix(wanted, "Forbidden")
	if err == nil && (exact && strings.TrimSpace(text) != wanted || !strings.Contains(text, wanted)) {
		err = fmt.Errorf("not the answer")
	}
	if err == nil && !exact {
		seen = fmt.Sprintf("%d, %d bytes of metrics", status, len(text))
	}
	return seen, err
}

// makeServiceAccount makes the procedure's ServiceAccount.
func (r *replay) makeServiceAccount() error {
	for _, args := range [][]string{
		{"create", "sa", "kubelet-api-test"},
		{"create", "clusterrolebinding", "kubelet-api-test", "--clusterrole=system:kubelet-api-admin", "--serviceaccount=default:kubelet-api-test"},
	} {
		if _, err := r.cp.kubectl(args...); err != nil {
			return err
		}
	}
	return nil
}

// serviceAccountToken returns a token of that ServiceAccount: from its Secret as in the procedure, or where ServiceAccounts have none any more,
// by asking for one.
func (r *replay) serviceAccountToken() (string, error) {
	if minorOf(r.version) >= 24 {
		said, err := r.cp.kubectl("create", "token", "kubelet-api-test")
		return strings.TrimSpace(said), err
	}
	var token string
	err := waitFor("the ServiceAccount has a token", soon, "", func() (string, bool) {
		var list struct{ Items []secret }
		if err := r.cp.admin.read("/api/v1/namespaces/default/secrets", &list); err != nil {
			return err.Error(), false
		}
		for _, one := range list.Items {
			if strings.HasPrefix(one.Metadata.Name, "kubelet-api-test-token-") && len(one.Data["token"]) > 0 {
				token = string(one.Data["token"])
			}
		}
		return fmt.Sprint(len(list.Items), " secrets"), token != ""
	})
	return token, err
}

// readyAndPods: with a CNI configuration the nodes are Ready, and run containers.
func (r *replay) readyAndPods(nodes []*node) {
	for _, n := range nodes {
		r.step(n.format, "not-ready-without-cni", n.Name+" says that there is no network yet", func() (string, error) {
			return loggedOr(n, soon, n.Name+" reports", func() (string, bool) {
				m, err := r.node(n.Name)
				return fmt.Sprint(m.ready().Status, " ", m.ready().Message, err), m.ready().Status == "False"
			})
		})
		r.step(n.format, "cni-laid", "a CNI configuration in /etc/cni/net.d", func() (string, error) { return n.layNetwork() })
	}
	for _, n := range nodes {
		r.step(n.format, "ready-with-cni", n.Name+" is Ready", func() (string, error) { return r.waitReady(n, time.Time{}) })
	}
	for _, n := range nodes {
		r.podRuns(n)
	}
}

// waitReady waits until a node is Ready, and has renewed its lease since a time: what the cluster remembers of it is then no longer old.
func (r *replay) waitReady(n *node, since time.Time) (string, error) {
	return loggedOr(n, soon, n.Name+" is Ready", func() (string, bool) {
		m, err := r.node(n.Name)
		c := m.ready()
		seen := fmt.Sprint(n.Name, " Ready=", c.Status, " ", c.Message)
		if err != nil || c.Status != "True" || since.IsZero() {
			return fmt.Sprint(seen, " ", err), err == nil && c.Status == "True"
		}
		var lease struct {
			Spec struct{ RenewTime time.Time } `json:"spec"`
		}
		err = r.cp.admin.read("/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/"+n.Name, &lease)
		return fmt.Sprint(seen, ", lease renewed ", lease.Spec.RenewTime), err == nil && lease.Spec.RenewTime.After(since)
	})
}

func (r *replay) podRuns(n *node) {
	const path = "/api/v1/namespaces/default/pods"
	name := "hello-" + strings.ReplaceAll(n.Name, ".", "-")
	r.step(n.format, "pod-runs", "a pod from this run's own image archive is Running on "+n.Name, func() (string, error) {
		if err := r.defaultAccount(); err != nil {
			return "", err
		}
		pod := map[string]any{
			"apiVersion": "v1", "kind": "Pod", "metadata": map[string]any{"name": name},
			"spec": map[string]any{
				"nodeName": n.Name, "automountServiceAccountToken": false, "terminationGracePeriodSeconds": 0,
				"containers": []any{map[string]any{
					"name": "hello", "image": helloImage, "imagePullPolicy": "Never", "env": []any{map[string]any{"name": "NODE", "value": n.Name}},
				}},
			},
		}
		if err := r.cp.admin.post(path, pod, nil); err != nil {
			return "", err
		}
		return loggedOr(n, soon, "the pod runs", func() (string, bool) {
			var got struct {
				Status struct{ Phase, PodIP, HostIP string } `json:"status"`
			}
			err := r.cp.admin.read(path+"/"+name, &got)
			return fmt.Sprintf("%s on %s, %s %v", got.Status.Phase, got.Status.HostIP, got.Status.PodIP, err), got.Status.Phase == "Running"
		})
	})
	r.step(n.format, "kubectl-logs", "kubectl logs prints what the container said", func() (string, error) {
		var said string
		err := waitFor("the container said something", soon, n.kubeletLog(), func() (string, bool) {
			var err error
			said, err = r.cp.kubectl("logs", name)
			return fmt.Sprint(said, err), err == nil && said != ""
		})
		if err == nil && strings.TrimSpace(said) != hello+n.Name {
			err = fmt.Errorf("that is not it")
		}
		return said, err
	})
}

// defaultAccount waits for the ServiceAccount without which no pod is admitted.
func (r *replay) defaultAccount() error {
	return waitFor("the default ServiceAccount is there", soon, "", func() (string, bool) {
		status, text, err := r.cp.admin.get("/api/v1/namespaces/default/serviceaccounts/default")
		// Before 1.24 the admission also waits for its token.
		ready := minorOf(r.version) >= 24 || strings.Contains(text, `"secrets"`)
		return fmt.Sprint(status, err), status == http.StatusOK && ready
	})
}
