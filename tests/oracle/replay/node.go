package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// node is one machine of a run: a root folder that a payload was laid into, and while it runs the process that holds its namespaces.
type node struct {
	Name    string
	Address string
	Folder  string // logs
	Root    string // its disk, in the run's memory
	Kubelet string // the oracle, bound at the place that ExecStart names
	Images  []string
	Trees   []hierarchy
	Cgroup  string // relative to each tree
	Gateway string
	Bits    string
	Link    string // the node's end on the run's bridge

	format  string
	tokenID string
	console string   // of a virtual machine, whose journal goes there
	fatal   []string // what its kubelet may not say, beside what is hopeless anyway
	process *exec.Cmd
}

func (n *node) in(path string) string   { return filepath.Join(n.Root, path) }
func (n *node) log(name string) string  { return filepath.Join(n.Folder, name+".log") }
func (n *node) unit() (unit, error)     { return readUnit(n.Root) }
func (n *node) flag(name string) string { u, _ := n.unit(); return u.flag(name) }

// certDir is where the kubelet keeps its certificates: as the flag says, or where it does by itself.
func (n *node) certDir() string {
	if at := n.flag("cert-dir"); at != "" {
		return at
	}
	return "/var/lib/kubelet/pki"
}

// kubeletLog is where the kubelet's own lines are; on a virtual machine's console are those of all its units.
func (n *node) kubeletLog() string {
	if n.console != "" {
		return n.console
	}
	return n.log("kubelet")
}

// resolved is a file of the node as this process sees it. An absolute link means the node's root, not ours.
func (n *node) resolved(path string) string {
	at := n.in(path)
	if target, err := os.Readlink(at); err == nil && filepath.IsAbs(target) {
		return n.in(target)
	}
	return at
}

// nodeFailed begins what a node's own processes say when they cannot go on.
const nodeFailed = "the node itself failed:"

// complaint is why the node itself, not its kubelet, cannot go on; nothing as long as it can.
func (n *node) complaint() error {
	if n.console != "" {
		return n.crashed()
	}
	text, _ := os.ReadFile(n.log("node"))
	if _, reason, found := strings.Cut(string(text), nodeFailed); found {
		return fmt.Errorf("%s%s; %s", nodeFailed, reason, lastLines(n.log("containerd")))
	}
	return nil
}

// start powers the node on.
func (n *node) start() error {
	told, err := json.Marshal(n)
	if err != nil {
		return err
	}
	said, err := os.OpenFile(n.log("node"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer said.Close()
	n.process = exec.Command("/proc/self/exe", "node-enter", string(told))
	n.process.Stdout, n.process.Stderr = said, said
	return n.process.Start()
}

// stop pulls the plug: the kernel ends all processes of the node and takes its mounts away, as far as they are its own.
func (n *node) stop() {
	if n.process == nil {
		return
	}
	_ = n.process.Process.Kill()
	_ = n.process.Wait()
	n.process = nil
	// The kernel takes the cable away with the node's namespace, but when it gets round to it.
	_ = exec.Command("ip", "link", "del", n.Link).Run()
	_ = os.Remove(n.log("node"))
	_ = removeNodeCgroups(n)
}

func removeNodeCgroups(n *node) error {
	var own []string
	for _, tree := range n.Trees {
		own = append(own, filepath.Join(tree.At, n.Cgroup))
	}
	return removeFolders(own)
}

// enterNode is the first step of a node's life: into its cgroups, then into its namespaces, and a cable to the run's bridge.
func enterNode(n node) error {
	for _, tree := range n.Trees {
		at, err := makeCgroup(tree, n.Cgroup)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(at, "cgroup.procs"), []byte("0"), 0o644); err != nil {
			return fmt.Errorf("entering %s: %w", at, err)
		}
	}
	plugged, plug, err := os.Pipe()
	if err != nil {
		return err
	}
	first := exec.Command("/proc/self/exe", "node-first", os.Args[2])
	first.Stdin, first.Stdout, first.Stderr = plugged, os.Stdout, os.Stderr
	first.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWPID | syscall.CLONE_NEWNS | syscall.CLONE_NEWNET | syscall.CLONE_NEWUTS | syscall.CLONE_NEWIPC |
			syscall.CLONE_NEWCGROUP,
		Pdeathsig: syscall.SIGKILL,
	}
	if err := first.Start(); err != nil {
		return err
	}
	pid := fmt.Sprint(first.Process.Pid)
	if err := do("ip", "link", "add", n.Link, "type", "veth", "peer", "name", "eth0", "netns", pid); err != nil {
		return err
	}
	if err := do("ip", "link", "set", n.Link, "master", bridge, "up"); err != nil {
		return err
	}
	if err := plug.Close(); err != nil {
		return err
	}
	return first.Wait()
}

// do runs a program that must succeed; what it said is part of the error.
func do(name string, args ...string) error {
	_, err := ask(name, args...)
	return err
}

// ask runs a program that must succeed and returns what it printed.
func ask(name string, args ...string) (string, error) {
	said, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		return string(said), fmt.Errorf("%s %q: %w: %s", name, args, err, said)
	}
	return string(said), nil
}
