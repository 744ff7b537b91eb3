package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// replay is one version's run.
type replay struct {
	options
	*recorder
	folder  string
	cp      *controlPlane
	project *project
	nodes   map[string]*node
	images  []string
}

// inside is the first process in the run's own namespaces.
func inside(told string) {
	var o options
	err := json.Unmarshal([]byte(told), &o)
	if err == nil {
		err = ownNamespaces()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "replay:", err)
		os.Exit(1)
	}
	var all []step
	good := true
	for _, version := range o.Versions {
		steps, failed := replayVersion(o, version)
		all = append(all, steps...)
		good = good && !failed
	}
	if err := writeTable(o.Table, all); err != nil {
		fmt.Fprintln(os.Stderr, "replay:", err)
		good = false
	}
	if !good {
		fmt.Printf("replay: FAILED; logs are in %s\n", o.Work)
		os.Exit(1)
	}
	fmt.Printf("replay: all %d steps are good\n", len(all))
	os.Exit(0)
}

// ownNamespaces makes the namespaces livable: a /proc of its own, loopback, the bridge that the nodes are plugged into.
func ownNamespaces() error {
	if err := mountAll([]mounted{
		{"", "/", "", syscall.MS_REC | syscall.MS_PRIVATE, ""}, {"proc", "/proc", "proc", 0, ""},
	}); err != nil {
		return err
	}
	for _, args := range [][]string{
		{"link", "set", "lo", "up"}, {"link", "add", bridge, "type", "bridge"},
		{"addr", "add", gateway + "/" + bits, "dev", bridge}, {"link", "set", bridge, "up"},
	} {
		if err := do("ip", args...); err != nil {
			return err
		}
	}
	return nil
}

func replayVersion(o options, version string) (steps []step, failed bool) {
	begun := time.Now()
	r := &replay{options: o, recorder: &recorder{version: version}, folder: filepath.Join(o.Work, version), nodes: map[string]*node{}}
	if err := r.prepare(); err != nil {
		fmt.Printf("FAIL %s preparing: %s\n", version, err)
		failed = true
	} else {
		failed = r.attempt(r.everything) != nil
	}
	for _, n := range r.nodes {
		n.stop()
	}
	r.cp.stop()
	fmt.Printf("replay: %s took %.0f s\n", version, time.Since(begun).Seconds())
	return r.steps, failed
}

// prepare makes certificates, the project and its bundle, images, and starts the control plane.
func (r *replay) prepare() error {
	r.cp = &controlPlane{version: r.version, folder: r.folder}
	if err := r.cp.issueCertificates(); err != nil {
		return err
	}
	for _, image := range []string{"pause", "hello"} {
		path := filepath.Join(r.folder, image+".tar")
		if err := writeImage(path, map[string]string{"pause": pauseImage, "hello": helloImage}[image], image); err != nil {
			return err
		}
		r.images = append(r.images, path)
	}
	var err error
	r.project, err = newProject(filepath.Join(r.folder, "project"), r.Nodebake, r.cp.ca.file("ca.pem"), inventory(r.version, "auto", r.names()))
	if err != nil {
		return err
	}
	return r.cp.start(filepath.Join(r.Kubernetes, r.version))
}

func (r *replay) names() []string {
	var names []string
	for _, list := range [][]string{firstThree, otherThree, unlucky, mutants} {
		names = append(names, list...)
	}
	return names
}

// everything is the whole replay of one version.
func (r *replay) everything() {
	first := r.boot("tarball", firstThree)
	r.refusedBeforeRBAC(first)
	r.bundleApplied()
	r.joins(first)
	r.answers(first[0])
	r.readyAndPod(first)
	others := map[string]string{"initramfs": otherThree[0], "ignition": otherThree[1], "cloudInit": otherThree[2]}
	var mixed []*node
	for _, format := range formats {
		if name, found := others[format]; found {
			mixed = append(mixed, r.boot(format, []string{name})...)
		}
	}
	r.joins(mixed)
	r.labelled(mixed)
	for _, n := range mixed {
		r.answers(n)
	}
	r.readyAndPod(mixed)
	for _, n := range mixed {
		n.stop()
	}
	r.reboots(first[0])
	r.wiped(first[1])
	r.expired(first[0])
	r.deleted(first[0])
	for _, n := range first {
		n.stop()
	}
	if r.Mutations {
		r.mutations()
	}
	r.review()
}

// boot lays payloads of one format into fresh roots and powers the nodes on.
func (r *replay) boot(format string, names []string) []*node {
	var booted []*node
	for _, name := range names {
		n := r.newNode(format, name, r.project)
		r.step(format, "payload-applied", "the format's own program lays the payload into "+name+"'s root and kubelet.service is enabled",
			func() (string, error) {
				if err := n.lay(r.project, r.Judges); err != nil {
					return "", err
				}
				return ask("systemctl", "--root="+n.root(), "is-enabled", "kubelet.service")
			})
		if err := n.start(); err != nil {
			panic(stopped{step{Name: "boot", Seen: err.Error()}})
		}
		booted = append(booted, n)
	}
	return booted
}

func (r *replay) newNode(format, name string, p *project) *node {
	place := len(r.nodes)
	n := &node{
		Name: name, Folder: filepath.Join(r.folder, "nodes", name), Kubelet: filepath.Join(r.Kubernetes, r.version, "kubelet"),
		Images: r.images, Trees: r.Trees, Cgroup: filepath.Join(cgroupFolder, name), Gateway: gateway, Bits: bits,
		Link: fmt.Sprintf("node%d", place), format: format, tokenID: p.tokens[name],
	}
	for i, known := range r.names() {
		if known == name {
			n.Address = addressOf(name, i)
		}
	}
	if n.Address == "" {
		n.Address = addressOf(name, 0)
	}
	r.nodes[name] = n
	return n
}
