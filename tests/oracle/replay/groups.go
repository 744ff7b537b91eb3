package main

import (
	"fmt"
	"path/filepath"
	"sync"
)

// group is three machines that get their payloads in one format.
type group struct {
	format string
	names  []string
}

// groups: the reference procedure's three nodes come from tarballs and before RBAC; of the others one has a dotted name each.
var groups = []group{
	{"tarball", []string{"zhangjun-k8s-01", "zhangjun-k8s-02", "zhangjun-k8s-03"}},
	{"initramfs", []string{"pxe-1.example.com", "pxe-2", "pxe-3"}},
	{"ignition", []string{"metal-1.example.com", "metal-2", "metal-3"}},
	{"cloudInit", []string{"cloud-1.example.com", "cloud-2", "cloud-3"}},
}

// Nodes that things happen to.
var (
	unlucky = []string{"expired-01", "deleted-01"}
	mutants = []string{"mutant-01", "mutant-02", "mutant-03", "mutant-04", "mutant-05", "mutant-06"}
)

func namesOf(groups []group, others ...[]string) (names []string) {
	for _, g := range groups {
		names = append(names, g.names...)
	}
	for _, more := range others {
		names = append(names, more...)
	}
	return names
}

// groups are those of this run: all three nodes of every format, or of the tarball three and of the others one.
func (r *replay) groups() []group {
	if r.Full {
		return groups
	}
	run := append([]group(nil), groups...)
	for i := range run[1:] {
		run[i+1].names = run[i+1].names[:1]
	}
	return run
}

// lives is what every group of nodes is to go through, whatever format they were made from. It ends with their power off.
func (r *replay) lives(nodes []*node) {
	defer func() {
		for _, n := range nodes {
			n.stop()
		}
	}()
	r.joins(nodes)
	r.labelled(nodes)
	for _, n := range nodes {
		r.answers(n)
	}
	r.readyAndPods(nodes)
	r.reboots(nodes[0])
	r.wiped(nodes[len(nodes)-1])
}

// boot lays payloads of one format into fresh roots and powers the nodes on.
func (r *replay) boot(part group) []*node {
	var booted []*node
	for _, name := range part.names {
		n := r.newNode(part.format, name)
		r.step(n.format, "payload-applied", "the format's own program lays the payload into "+name+"'s root and kubelet.service is enabled",
			func() (string, error) {
				if err := n.lay(r.project, r.Oracles); err != nil {
					return "", err
				}
				return ask("systemctl", "--root="+n.Root, "is-enabled", "kubelet.service")
			})
		booted = append(booted, n)
	}
	for _, n := range booted {
		if err := n.start(); err != nil {
			r.broken("powering on "+n.Name, err)
		}
	}
	return booted
}

// room is how many machines of one version run at once. Each has six inotify instances open; Linux gives a user 128 of them by default, which
// the other version's run and other programs of root's share.
const room = 7

// machines are those that a run has made so far.
type machines struct {
	lock    sync.Mutex
	made    int
	named   map[string]*node
	running int
	freed   *sync.Cond
}

func newMachines() *machines {
	m := &machines{named: map[string]*node{}}
	m.freed = sync.NewCond(&m.lock)
	return m
}

// enter waits until there is room for so many machines, all at once: with a part of them it would wait for others that wait for it.
func (m *machines) enter(count int) {
	m.lock.Lock()
	defer m.lock.Unlock()
	for m.running+count > room {
		m.freed.Wait()
	}
	m.running += count
}

func (m *machines) leave(count int) {
	m.lock.Lock()
	defer m.lock.Unlock()
	m.running -= count
	m.freed.Broadcast()
}

// newNode is a machine that is not switched on yet. One of the same name from earlier in the run is switched off, and keeps its logs.
func (r *replay) newNode(format, name string) *node {
	r.nodes.lock.Lock()
	defer r.nodes.lock.Unlock()
	folder := filepath.Join(r.folder, "nodes", name)
	if earlier := r.nodes.named[name]; earlier != nil {
		earlier.stop()
		folder = fmt.Sprintf("%s.%d", folder, r.nodes.made)
	}
	r.nodes.made++
	n := &node{
		Name: name, Address: r.project.addresses[name], Folder: folder, Root: r.memory(name),
		Kubelet: filepath.Join(r.Kubernetes, r.version, "kubelet"), Images: r.images, Trees: r.Trees,
		Cgroup: filepath.Join(cgroupFolder, r.version, name), Gateway: gateway, Bits: bits, Link: fmt.Sprintf("node%d", r.nodes.made),
		format: format, tokenID: r.project.tokens[name],
	}
	r.nodes.named[name] = n
	return n
}
