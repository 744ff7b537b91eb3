package main

import (
	"fmt"
	"strings"
)

// toolsPod is the pod that runs on a node. From it one gets to the node itself.
func toolsPod(name, node string) map[string]any {
	return map[string]any{
		"apiVersion": "v1", "kind": "Pod", "metadata": map[string]any{"name": name},
		"spec": map[string]any{
			"nodeName": node, "hostPID": true, "automountServiceAccountToken": false, "terminationGracePeriodSeconds": 0,
			"containers": []any{map[string]any{
				"name": "tools", "image": toolsImage, "imagePullPolicy": "Never", "securityContext": map[string]any{"privileged": true},
				"env": []any{map[string]any{"name": "NODE", "value": node}},
			}},
		},
	}
}

// runsBroughtImage: a pod runs from an image that nothing but the payload brought, and can be talked to.
func (r *replay) runsBroughtImage(n *node) {
	const path = "/api/v1/namespaces/default/pods"
	name := "tools-" + n.Name
	r.step(n.format, "airgapped-pod-runs", "a pod from the image in the payload, never pulled, is Running on "+n.Name, func() (string, error) {
		if err := r.defaultAccount(); err != nil {
			return "", err
		}
		if err := r.cp.admin.post(path, toolsPod(name, n.Name), nil); err != nil {
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
	r.step(n.format, "vm-kubectl-logs", "kubectl logs prints what the container said", func() (string, error) {
		said, err := r.cp.kubectl("logs", name)
		if err == nil && strings.TrimSpace(said) != hello+n.Name {
			err = fmt.Errorf("that is not it")
		}
		return said, err
	})
	r.step(n.format, "vm-kubectl-exec", "kubectl exec runs a program in the container", func() (string, error) {
		said, err := r.cp.withKubectl(r.cp.kubectlProgram, "exec", name, "--", "/bin/busybox", "sh", "-c", "echo inside $NODE; /bin/busybox hostname")
		if err == nil && oneLine(said) != "inside "+n.Name+" "+name {
			err = fmt.Errorf("that is not it")
		}
		return said, err
	})
}

// onNode runs a line of shell on the node itself, through the API server, the kubelet and the pod.
func (r *replay) onNode(n *node, line string) (string, error) {
	return r.cp.withKubectl(r.cp.kubectlProgram, "exec", "tools-"+n.Name, "--", "/bin/busybox", "nsenter", "-t", "1", "-m", "-u", "-i", "-n", "-p",
		"/bin/sh", "-euc", line)
}
