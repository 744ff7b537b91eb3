package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// replay is one version's run.
type replay struct {
	options
	*recorder
	folder  string // logs, certificates, bundles
	cp      *controlPlane
	project *project
	nodes   *machines
	images  []string
	running map[string]*approver // by name
	// How many extracts and probes were made, for their names.
	extracts, probes int
}

// memory is where the disks of a run are: in a tmpfs of its own, which goes with its namespaces.
func (r *replay) memory(name string) string { return filepath.Join(r.folder, "memory", name) }

// inside is the first process in the namespaces of one version's run.
func inside(o options) int {
	version := o.Versions[0]
	begun := time.Now()
	r := &replay{
		options: o, recorder: &recorder{version: version, begun: begun}, folder: filepath.Join(o.Work, version),
		nodes: newMachines(), running: map[string]*approver{},
	}
	// kubectl keeps what it learnt of an API server by its address, which all runs have in common.
	_ = os.Setenv("HOME", r.folder)
	failed := r.attempt(func() {
		prepare, run := r.prepare, r.everything
		if r.VMs {
			prepare, run = r.prepareVMs, r.virtualMachines
		}
		if r.Approver != "" {
			prepare, run = r.prepareApprover, r.approverCluster
		}
		if r.From != "" {
			prepare, run = r.prepareKubeadm, r.kubeadmCluster
		}
		if err := prepare(); err != nil {
			r.broken("preparing", err)
		}
		run()
	})
	for _, n := range r.nodes.named {
		n.stop()
	}
	for _, a := range r.running {
		if a.process != nil {
			a.kill()
		}
	}
	r.cp.stop()
	fmt.Printf("replay: %s took %.0f s\n", version, time.Since(begun).Seconds())
	text, err := json.Marshal(r.steps)
	if err == nil {
		err = os.WriteFile(filepath.Join(r.folder, "steps.json"), text, 0o644)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "replay:", err)
	}
	if failed != nil || err != nil {
		return 1
	}
	return 0
}

// ownNamespaces makes the namespaces livable: a /proc of its own, memory for disks, loopback, the bridge that the nodes are plugged into.
func (r *replay) ownNamespaces() error {
	if err := os.MkdirAll(r.memory(""), 0o755); err != nil {
		return err
	}
	if err := mountAll([]mounted{
		{"", "/", "", syscall.MS_REC | syscall.MS_PRIVATE, ""}, {"proc", "/proc", "proc", 0, ""},
		{"tmpfs", r.memory(""), "tmpfs", 0, "mode=755,size=8g"},
	}); err != nil {
		return err
	}
	for _, args := range [][]string{
		// A bridge has the lowest address of its ports unless it is told one: when a machine came or went, all others would look for their
		// gateway at an address that nobody has any more.
		{"link", "set", "lo", "up"}, {"link", "add", bridge, "address", "02:00:00:00:00:01", "type", "bridge"},
		{"addr", "add", gateway + "/" + bits, "dev", bridge}, {"link", "set", bridge, "up"},
	} {
		if err := do("ip", args...); err != nil {
			return err
		}
	}
	return nil
}

// prepareCluster makes the namespaces and certificates, and starts the control plane.
func (r *replay) prepareCluster() error {
	r.cp = &controlPlane{version: r.version, folder: r.folder, disk: r.memory("etcd")}
	r.log = r.cp.log("kube-apiserver")
	var err error
	if r.cp.kubectlProgram, err = kubectlFor(r.options, r.version); err != nil {
		return err
	}
	if err := r.ownNamespaces(); err != nil {
		return err
	}
	if err := r.cp.issueCertificates(); err != nil {
		return err
	}
	return r.cp.start(filepath.Join(r.Kubernetes, r.version))
}

// writeImages makes the images of the sandbox and of the pods.
func (r *replay) writeImages() error {
	for name, image := range map[string]string{"pause": pauseImage, "hello": helloImage} {
		path := r.memory(name + ".tar")
		if err := writeImage(path, image, name); err != nil {
			return err
		}
		r.images = append(r.images, path)
	}
	return nil
}

// prepare makes the cluster, images, the project and its bundle.
func (r *replay) prepare() error {
	if err := r.prepareCluster(); err != nil {
		return err
	}
	if err := r.writeImages(); err != nil {
		return err
	}
	var err error
	r.project, err = newProject(filepath.Join(r.folder, "project"), r.Nodebake, r.cp.ca, inventory{
		version: r.version, approval: "auto", nodes: namesOf(groups, unlucky, mutants), subnet: "172.27.140",
	})
	if err != nil {
		return err
	}
	return r.cp.waitReady(filepath.Join(r.Kubernetes, r.version))
}

// everything is the whole replay of one version. A kubelet spends most of its first minute waiting for periods of its own, above all one of
// v1.16: what does not disturb each other goes side by side.
func (r *replay) everything() {
	groups := r.groups()
	r.nodes.enter(len(groups[0].names))
	first := r.boot(groups[0])
	r.refusedBeforeRBAC(first)
	r.bundleApplied()
	if err := r.makeServiceAccount(); err != nil {
		r.broken("making a ServiceAccount", err)
	}
	parts := []func(*replay){func(r *replay) {
		defer r.nodes.leave(len(first))
		r.lives(first)
	}}
	for _, part := range groups[1:] {
		part := part
		parts = append(parts, func(r *replay) {
			r.nodes.enter(len(part.names))
			defer r.nodes.leave(len(part.names))
			r.lives(r.boot(part))
		})
	}
	r.together(append(parts, (*replay).brokenNodes)...)
	r.together((*replay).brokenCluster, (*replay).expired, func(r *replay) { r.deleted(first[0]) })
	r.reviewed()
}

// together runs parts side by side. Each has a record of its own, so that the steps of every run are in the same order. All parts end before
// the first one that failed ends what it belongs to.
func (r *replay) together(parts ...func(*replay)) {
	records, failed := make([]*recorder, len(parts)), make([]*step, len(parts))
	var all sync.WaitGroup
	for i, part := range parts {
		i, part := i, part
		branch := *r
		branch.recorder = &recorder{version: r.version, begun: r.begun, log: r.log}
		records[i] = branch.recorder
		all.Add(1)
		go func() {
			defer all.Done()
			failed[i] = branch.attempt(func() { part(&branch) })
		}()
	}
	all.Wait()
	for _, record := range records {
		r.steps = append(r.steps, record.steps...)
	}
	for _, step := range failed {
		if step != nil {
			panic(stopped{*step})
		}
	}
}
