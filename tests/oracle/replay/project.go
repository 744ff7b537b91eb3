package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// What nodes in addition to the reference's have: labels and taints that a kubelet may give itself.
const (
	ownLabel = "example.com/rack"
	ownTaint = "example.com/dedicated"
)

// The reference procedure's own nodes have its own addresses.
var referenceAddresses = map[string]string{
	"zhangjun-k8s-01": "172.27.138.251", "zhangjun-k8s-02": "172.27.137.229", "zhangjun-k8s-03": "172.27.138.239",
}

func isReference(node string) bool { return referenceAddresses[node] != "" }

// inventory is what a cluster.yaml is made from.
type inventory struct {
	version, approval string
	nodes             []string
	brought           []string // nodes that bring certificates and have no token
	subnet            string   // of the nodes that are not the reference's: 172.27.140
	name              string   // of the cluster; what the approval makes of it where there is none
	more, others      string   // further keys, and further nodes
}

// text is cluster.yaml: the reference procedure's facts for v1.16, the built-in profile `worker` for today's versions.
func (i inventory) text() string {
	name, profile, tokens := "kubernetes", "worker", fmt.Sprintf("tokens: {approval: %s}", i.approval)
	if minorOf(i.version) < 24 {
		profile = "by-hand"
		if i.approval == "auto" {
			tokens = `tokens: {usages: [authentication, signing], group: system:bootstrappers, nodeGroup: "system:bootstrappers:{node}", approval: auto}
rbac: {nodeServerRenewal: true}`
		}
	}
	if i.approval != "auto" {
		name = "reviewed"
	}
	if i.name != "" {
		name = i.name
	}
	var list strings.Builder
	addresses := i.addresses()
	for _, node := range i.all() {
		fmt.Fprintf(&list, "  - name: %s\n    addresses: [%s]\n", node, addresses[node])
		if contains(i.brought, node) {
			list.WriteString("    identity: {client: clientCertificate, serving: preIssued}\n")
		}
		if !isReference(node) {
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
%snodes:
%s%s`, name, i.version, apiURL, tokens, profile, i.more, list.String(), i.others)
}

func (i inventory) all() []string { return append(append([]string(nil), i.nodes...), i.brought...) }

func (i inventory) addresses() map[string]string {
	addresses := map[string]string{}
	for place, node := range i.all() {
		addresses[node] = referenceAddresses[node]
		if !isReference(node) {
			addresses[node] = fmt.Sprintf("%s.%d", i.subnet, 10+place)
		}
	}
	return addresses
}

// machineProfile is what this machine needs, said as a user would say it: cgroups without systemd, and swap if it has some.
func machineProfile() string {
	config := "cgroupDriver: cgroupfs"
	if swaps, err := os.ReadFile("/proc/swaps"); err == nil && strings.Count(string(swaps), "\n") > 1 {
		config += ", failSwapOn: false"
	}
	return "apiVersion: nodebake/v1\nkind: Profile\nkubelet: {config: {" + config + "}}\n"
}

// project is an inventory on disk and the bundle that nodebake made of it.
type project struct {
	folder    string
	nodebake  string
	nodes     []string
	addresses map[string]string
	tokens    map[string]string // node → id of its newest token
	groups    map[string][]string
	allowed   []string // folders outside of it that hold its assets
}

func newProject(folder, nodebake string, ca *authority, from inventory) (*project, error) {
	made := &project{folder: folder, nodebake: nodebake, nodes: from.nodes, addresses: from.addresses()}
	if err := made.write(ca, map[string]string{"cluster.yaml": from.text(), "profiles/machine.yaml": machineProfile()}); err != nil {
		return nil, err
	}
	commands := [][]string{{"key", "generate", folder}, {"token", "create", folder}}
	if len(from.brought) > 0 {
		commands = append(commands, []string{"pki", "issue", folder, "--ca-key", ca.file("ca-key.pem")})
	}
	for _, args := range commands {
		if err := do(nodebake, args...); err != nil {
			return nil, err
		}
	}
	return made, made.build()
}

// write writes the project's files, and the CA that it trusts.
func (p *project) write(ca *authority, files map[string]string) error {
	trusted, err := os.ReadFile(ca.file("ca.pem"))
	if err != nil {
		return err
	}
	files["pki/ca.pem"] = string(trusted)
	for name, text := range files {
		path := filepath.Join(p.folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// buildArgs are the arguments of a build.
func (p *project) buildArgs() []string {
	args := []string{"build", p.folder}
	for _, folder := range p.allowed {
		args = append(args, "--allow", folder)
	}
	return args
}

// build makes the bundle anew and learns the tokens' ids.
func (p *project) build() error {
	if err := do(p.nodebake, p.buildArgs()...); err != nil {
		return err
	}
	said, err := ask(p.nodebake, "token", "list", "-o", "json", p.folder)
	if err != nil {
		return err
	}
	var listed []struct {
		Node, ID string
		Groups   []string
	}
	if err := json.Unmarshal([]byte(said), &listed); err != nil {
		return err
	}
	p.tokens, p.groups = map[string]string{}, map[string][]string{}
	for _, token := range listed {
		p.tokens[token.Node], p.groups[token.Node] = token.ID, token.Groups
	}
	return nil
}

func (p *project) out(parts ...string) string {
	return filepath.Join(append([]string{p.folder, "out"}, parts...)...)
}
