package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// The nodes of a run: the reference procedure's three, from tarballs and before RBAC; then one for each other format; then those that things
// happen to.
var (
	firstThree = []string{"zhangjun-k8s-01", "zhangjun-k8s-02", "zhangjun-k8s-03"}
	otherThree = []string{"gpu-1.example.com", "edge-01", "edge-02"}
	unlucky    = []string{"expired-01", "deleted-01"}
	mutants    = []string{"mutant-01", "mutant-02", "mutant-03", "mutant-04", "mutant-05"}
	reviewed   = []string{"review-01"}
)

// What nodes in addition to the reference's have: labels and taints that a kubelet may give itself.
const (
	ownLabel = "example.com/rack"
	ownTaint = "example.com/dedicated"
)

// project is an inventory on disk and the bundle that nodebake made of it.
type project struct {
	folder   string
	tokens   map[string]string // node → token id
	groups   map[string][]string
	nodebake string
}

// inventory is cluster.yaml: the reference procedure's facts for v1.16, the built-in profile `worker` for today's versions.
func inventory(version, approval string, nodes []string) string {
	profile, tokens := "worker", fmt.Sprintf("tokens: {approval: %s}", approval)
	name := "kubernetes"
	if minorOf(version) < 24 {
		profile = "by-hand"
		if approval == "auto" {
			tokens = `tokens: {usages: [authentication, signing], group: system:bootstrappers, nodeGroup: "system:bootstrappers:{node}", approval: auto}
rbac: {nodeServerRenewal: true}`
		}
	}
	if approval != "auto" {
		name = "reviewed"
	}
	var list strings.Builder
	for i, node := range nodes {
		fmt.Fprintf(&list, "  - name: %s\n    addresses: [%s]\n", node, addressOf(node, i))
		if !strings.HasPrefix(node, "zhangjun") {
			fmt.Fprintf(&list, "    labels: {%s: r1, node-role.kubernetes.io/worker: \"\"}\n    taints: {\"%s:PreferNoSchedule\": gpu}\n", ownLabel, ownTaint)
		}
	}
	return fmt.Sprintf(`apiVersion: nodebake/v1
kind: Cluster
name: %s
kubernetes: %s
apiServer: {url: "%s", ca: pki/ca.pem, kubeletClientUser: kubernetes-master}
network: {clusterDomain: cluster.local, clusterDNS: [10.254.0.2], serviceCIDRs: [10.254.0.0/16], podCIDRs: [172.30.0.0/16]}
%s
profiles: [%s, machine]
output: {formats: [tarball, cloudInit, ignition, initramfs], secrets: inline}
nodes:
%s`, name, version, apiURL, tokens, profile, list.String())
}

// addressOf is the reference's own address where the node is one of the reference's.
func addressOf(node string, place int) string {
	reference := map[string]string{
		"zhangjun-k8s-01": "172.27.138.251", "zhangjun-k8s-02": "172.27.137.229", "zhangjun-k8s-03": "172.27.138.239",
	}
	if address, found := reference[node]; found {
		return address
	}
	return fmt.Sprintf("172.27.140.%d", 10+place)
}

// machineProfile is what this machine needs, said as a user would say it: cgroups without systemd, and swap if it has some.
func machineProfile() string {
	config := "cgroupDriver: cgroupfs"
	if swaps, err := os.ReadFile("/proc/swaps"); err == nil && strings.Count(string(swaps), "\n") > 1 {
		config += ", failSwapOn: false"
	}
	return "apiVersion: nodebake/v1\nkind: Profile\nkubelet: {config: {" + config + "}}\n"
}

func newProject(folder, nodebake, ca, text string) (*project, error) {
	for _, name := range []string{"pki", "profiles"} {
		if err := os.MkdirAll(filepath.Join(folder, name), 0o755); err != nil {
			return nil, err
		}
	}
	authority, err := os.ReadFile(ca)
	if err != nil {
		return nil, err
	}
	for name, content := range map[string]string{"cluster.yaml": text, "profiles/machine.yaml": machineProfile(), "pki/ca.pem": string(authority)} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o644); err != nil {
			return nil, err
		}
	}
	made := &project{folder: folder, nodebake: nodebake, tokens: map[string]string{}, groups: map[string][]string{}}
	for _, args := range [][]string{{"key", "generate"}, {"token", "create"}, {"build"}} {
		if err := do(nodebake, append(args, folder)...); err != nil {
			return nil, err
		}
	}
	said, err := ask(nodebake, "token", "list", "-o", "json", folder)
	if err != nil {
		return nil, err
	}
	var listed []struct {
		Node, ID string
		Groups   []string
	}
	if err := json.Unmarshal([]byte(said), &listed); err != nil {
		return nil, err
	}
	for _, token := range listed {
		made.tokens[token.Node], made.groups[token.Node] = token.ID, token.Groups
	}
	return made, nil
}

func (p *project) out(parts ...string) string {
	return filepath.Join(append([]string{p.folder, "out"}, parts...)...)
}
