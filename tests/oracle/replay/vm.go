package main

import (
	"os"
	"path/filepath"
	"time"
)

// Virtual machines that become nodes from nothing but their payloads: QEMU without KVM boots Debian's kernel, and what is not Debian's comes from
// the payload. Their network is the run's own namespace, in which the control plane is and nothing else.

// patience is how long a machine may take from power on to its kubelet. On two busy cores the slowest one took five minutes.
const patience = 900 * time.Second

// way is one way in which a payload comes to a machine.
type way struct {
	name   string // in the table, and as the node's name
	output string // the node's `output` in the inventory
	memory int    // MiB
	// boot makes what is booted, and says it in QEMU's words.
	boot func(r *replay, n *node) (booted, error)
}

// booted is what a machine is switched on with.
type booted struct {
	kernel, initrd string
	append         string   // to the kernel's command line
	devices        []string // more of QEMU's arguments
}

// ways are those of a run, the slowest one first. A diskless system holds the system twice while the kernel unpacks it, and Ignition holds the kubelet,
// unpacked and in a configuration of forty megabytes, several times.
var ways = []way{
	{"ignition", "{formats: [ignition, initramfs], initramfs: {mode: coreosLive}}", 3072, (*replay).bootIgnition},
	{"diskless", "{formats: [initramfs], initramfs: {mode: diskless}}", 1536, (*replay).bootDiskless},
	{"copy-to-root", "{formats: [initramfs], initramfs: {mode: copyToRoot, compression: zstd}}", 1024, (*replay).bootCopied},
	{"cloud-init", "{formats: [cloudInit], cloudInit: {seedISO: true, assets: iso}}", 1024, (*replay).bootCloudInit},
	{"tarball", "{formats: [tarball]}", 1024, (*replay).bootTarball},
}

func wayNames() (names []string) {
	for _, w := range ways {
		names = append(names, w.name)
	}
	return names
}

// atOnce is how many machines run at a time: one waits while the other computes.
const atOnce = 2

// virtualMachines: every way, each on a machine of its own.
func (r *replay) virtualMachines() {
	r.noWayOut()
	r.bundleTaken()
	slots, turn := make(chan struct{}, atOnce), make(chan struct{})
	close(turn)
	var parts []func(*replay)
	for place, w := range ways {
		place, w := place, w
		if len(r.Ways) > 0 && !contains(r.Ways, w.name) {
			continue
		}
		mine, next := turn, make(chan struct{})
		turn = next
		parts = append(parts, func(r *replay) {
			<-mine
			slots <- struct{}{}
			close(next)
			defer func() { <-slots }()
			n := r.powerOn(place, w)
			defer r.powerOff(n)
			r.boots(n)
			r.joinsAlone(n)
			r.runsBroughtImage(n)
			r.hasItsTree(n)
		})
	}
	r.together(parts...)
}

// prepareVMs makes the namespaces, certificates, the control plane, and the bundle with an offline node for every way.
func (r *replay) prepareVMs() error {
	if err := r.prepareCluster(); err != nil {
		return err
	}
	var err error
	if r.project, err = r.newVMProject(filepath.Join(r.folder, "project")); err != nil {
		return err
	}
	return r.cp.waitReady(filepath.Join(r.Kubernetes, r.version))
}

// bundleTaken: the cluster learns of the nodes before the first of them is switched on.
func (r *replay) bundleTaken() {
	r.step("cluster", "vm-bundle-applied", "kubectl apply of cluster/rbac and cluster/tokens", func() (string, error) {
		said, err := r.cp.kubectl("apply", "-k", r.project.out("cluster/rbac"))
		if err != nil {
			return said, err
		}
		again, err := r.cp.kubectl("apply", "-k", r.project.out("cluster/tokens"))
		return cut(oneLine(said+again), 100), err
	})
}

// powerOff pulls the plug and frees the memory that the machine was booted from.
func (r *replay) powerOff(n *node) {
	n.stop()
	files, _ := filepath.Glob(r.memory(n.Name + ".*"))
	for _, file := range files {
		_ = os.Remove(file)
	}
}

// powerOn switches a machine on that has never run.
func (r *replay) powerOn(place int, w way) *node {
	n := &node{
		Name: w.name, Address: r.project.addresses[w.name], Folder: filepath.Join(r.folder, "machines", w.name),
		format: w.name, tokenID: r.project.tokens[w.name],
	}
	n.console = n.log("console")
	r.log = n.console
	if err := r.startMachine(n, place, w); err != nil {
		r.broken("powering on "+n.Name, err)
	}
	return n
}
