package main

import (
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// subnetOf is the network of one machine, which QEMU makes and which has no other machine in it.
func subnetOf(place int) string { return fmt.Sprintf("10.0.%d", 11+place) }

func addressOf(place int) string { return subnetOf(place) + ".15" }

func macOf(place int) string { return fmt.Sprintf("52:54:00:10:00:%02x", 11+place) }

// conflist is the pods' network, which the payload brings: the plug-ins are Debian's.
const conflist = `{"cniVersion": "0.4.0", "name": "machines", "plugins": [
  {"type": "bridge", "bridge": "cni0", "isGateway": true, "ipMasq": true,
   "ipam": {"type": "host-local", "ranges": [[{"subnet": "172.30.0.0/24"}]], "routes": [{"dst": "0.0.0.0/0"}]}},
  {"type": "portmap", "capabilities": {"portMappings": true}}
]}
`

// smallMachine is what a machine of a gigabyte without a large disk asks for beside the built-in profiles. One of its images has Ignition.
const smallMachine = `apiVersion: nodebake/v1
kind: Profile
os: {ignition: true}
overlays: {containerd: {}}
containerd: {version: "1.6", sandboxImage: ` + pauseImage + `}
kubelet:
  config:
    systemReserved: {memory: 64Mi, ephemeral-storage: null}
    kubeReserved: {memory: 64Mi, ephemeral-storage: null}
`

// asset is a line of `assets` or `images`: a file of this machine, and its digest.
func asset(name, source, more string) (string, error) {
	bytes, err := os.ReadFile(source)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("  %s: {source: %q, sha256: %x%s}\n", name, source, sha256.Sum256(bytes), more), nil
}

// vmInventory is cluster.yaml: offline nodes, which bring their kubelet, all images, the runtime's configuration and their network.
func (r *replay) vmInventory(images map[string]string) (string, error) {
	kubelet, err := asset("/usr/local/bin/kubelet", filepath.Join(r.Kubernetes, r.version, "kubelet"), `, mode: "0755"`)
	if err != nil {
		return "", err
	}
	var archives, nodes strings.Builder
	for name, path := range images {
		line, err := asset(name+".tar", path, "")
		if err != nil {
			return "", err
		}
		archives.WriteString(line)
	}
	for place, w := range ways {
		fmt.Fprintf(&nodes, `  - name: %s
    addresses: [%s]
    interfaces: {lan0: {mac: "%s", addresses: [%s/24], gateways: [%s.2]}}
    labels: {%s: r1}
    taints: {"%s:PreferNoSchedule": gpu}
    output: %s
`, w.name, addressOf(place), macOf(place), addressOf(place), subnetOf(place), ownLabel, ownTaint, w.output)
	}
	return fmt.Sprintf(`apiVersion: nodebake/v1
kind: Cluster
name: machines
kubernetes: %s
apiServer: {url: "%s", ca: pki/ca.pem, kubeletClientUser: kubernetes-master}
network: {clusterDomain: cluster.local, clusterDNS: [10.254.0.2], serviceCIDRs: [10.254.0.0/16], podCIDRs: [172.30.0.0/16]}
tokens: {approval: auto}
profiles: [worker, debian, small]
airgap: true
# containerd 1.6 looks into one folder, and Debian's plugins are in this one.
paths: {cniBin: /usr/lib/cni}
findings: {resolver-unreachable: {level: off, reason: no pod asks for a name}}
files:
  /etc/cni/net.d/10-machines.conflist: {source: files/conflist}
  # Without one no pod gets a sandbox.
  /etc/resolv.conf: {content: "nameserver 127.0.0.1\n"}
assets:
%simages:
%snodes:
%s`, r.version, apiURL, kubelet, archives.String(), nodes.String()), nil
}

// newVMProject is the inventory of all ways and its bundle. The images that it carries are made for it.
func (r *replay) newVMProject(folder string) (*project, error) {
	busybox, err := exec.LookPath("busybox-static")
	if err != nil {
		return nil, err
	}
	images := map[string]string{"pause": r.memory("pause.tar"), "busybox": r.memory("busybox.tar")}
	if err := writeImage(images["pause"], pauseImage, "pause"); err != nil {
		return nil, err
	}
	says := fmt.Sprintf("echo %s$NODE; exec /bin/busybox sleep 999999", hello)
	if err := writeProgram(images["busybox"], toolsImage, busybox, "/bin/busybox", "sh", "-c", says); err != nil {
		return nil, err
	}
	text, err := r.vmInventory(images)
	if err != nil {
		return nil, err
	}
	made := &project{folder: folder, nodebake: r.Nodebake, nodes: wayNames(), addresses: map[string]string{},
		allowed: []string{filepath.Join(r.Kubernetes, r.version), r.memory("")}}
	for place, w := range ways {
		made.addresses[w.name] = addressOf(place)
	}
	if err := made.write(r.cp.ca, map[string]string{"cluster.yaml": text, "profiles/small.yaml": smallMachine, "files/conflist": conflist}); err != nil {
		return nil, err
	}
	for _, args := range [][]string{{"key", "generate", folder}, {"token", "create", folder}} {
		if err := do(r.Nodebake, args...); err != nil {
			return nil, err
		}
	}
	return made, made.build()
}
