package main

import (
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"time"
)

// hierarchy is one of the machine's cgroup v1 trees.
type hierarchy struct {
	At      string // /sys/fs/cgroup/memory
	Options string // memory
}

// hierarchies reads the machine's mounts; without cgroup v1 there are none.
func hierarchies() ([]hierarchy, error) {
	text, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return nil, err
	}
	var found []hierarchy
	for _, line := range strings.Split(string(text), "\n") {
		words := strings.Fields(line)
		if len(words) < 4 || words[2] != "cgroup" {
			continue
		}
		var options []string
		for _, option := range strings.Split(words[3], ",") {
			if option != "rw" && option != "ro" && option != "relatime" && option != "nosuid" && option != "nodev" && option != "noexec" {
				options = append(options, option)
			}
		}
		found = append(found, hierarchy{At: words[1], Options: strings.Join(options, ",")})
	}
	return found, nil
}

// cgroupFolder is where all cgroups of this run are, in every hierarchy.
const cgroupFolder = "nodebake-replay"

// makeCgroup makes a node's cgroup in one hierarchy and those above it; cpuset starts empty and takes no process until it is filled from its
// parent.
func makeCgroup(tree hierarchy, cgroup string) (string, error) {
	at := tree.At
	for _, name := range strings.Split(cgroup, "/") {
		parent := at
		at = filepath.Join(at, name)
		if err := os.MkdirAll(at, 0o755); err != nil {
			return "", err
		}
		for _, name := range []string{"cpuset.cpus", "cpuset.mems"} {
			value, err := os.ReadFile(filepath.Join(parent, name))
			if err != nil {
				continue
			}
			if err := os.WriteFile(filepath.Join(at, name), value, 0o644); err != nil {
				return "", err
			}
		}
	}
	return at, nil
}

// removeCgroups removes what this run, or one that was killed, left in the machine's cgroups.
func removeCgroups(trees []hierarchy) error {
	var folders []string
	for _, tree := range trees {
		folders = append(folders, filepath.Join(tree.At, cgroupFolder))
	}
	return removeFolders(folders)
}

// removeFolders removes cgroups with all below them. The kernel lets a cgroup go only some moments after its last process.
func removeFolders(tops []string) error {
	var last error
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		last = nil
		for _, top := range tops {
			var folders []string
			_ = filepath.WalkDir(top, func(path string, entry os.DirEntry, err error) error {
				if err == nil && entry.IsDir() {
					folders = append(folders, path)
				}
				return nil
			})
			for i := len(folders) - 1; i >= 0; i-- {
				if err := os.Remove(folders[i]); err != nil && !os.IsNotExist(err) {
					last = err
				}
			}
		}
		if last == nil {
			return nil
		}
	}
	return last
}

// The kernel settings that a kubelet sets and that no namespace covers: a node gets copies of its own.
var kernelSettings = []string{
	"vm/overcommit_memory", "vm/panic_on_oom", "kernel/panic", "kernel/panic_on_oops", "kernel/keys/root_maxkeys", "kernel/keys/root_maxbytes",
}

// elsewhere are folders in which other programs of this machine may mount what they like while a run goes on.
var elsewhere = []string{"/tmp/", "/var/tmp/", "/mnt/", "/media/"}

// mounts are those that a run could have made.
func mounts(work string) (lines []string) {
	text, _ := os.ReadFile("/proc/self/mounts")
	for _, line := range strings.Split(string(text), "\n") {
		words := strings.Fields(line)
		ours := len(words) > 1 && strings.HasPrefix(words[1], work+"/")
		for _, folder := range elsewhere {
			if len(words) > 1 && !ours && strings.HasPrefix(words[1], folder) {
				line = ""
			}
		}
		if line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}

// snapshot is what must be the same before and after a run.
func snapshot(o options) string {
	lines := mounts(o.Work)
	for _, name := range append(kernelSettings, "net/ipv4/ip_forward") {
		value, _ := os.ReadFile("/proc/sys/" + name)
		lines = append(lines, name+"="+string(value))
	}
	for _, tree := range o.Trees {
		entries, _ := os.ReadDir(tree.At)
		for _, entry := range entries {
			if entry.IsDir() {
				lines = append(lines, filepath.Join(tree.At, entry.Name()))
			}
		}
	}
	for _, path := range []string{
		"/etc/kubernetes", "/etc/cni", "/var/lib/kubelet", "/var/lib/cni", "/var/lib/etcd", "/run/containerd", "/opt/k8s", "/data", "/sys/class/net",
	} {
		var names []string
		entries, _ := os.ReadDir(path)
		for _, entry := range entries {
			names = append(names, entry.Name())
		}
		sort.Strings(names)
		lines = append(lines, fmt.Sprintf("%s: %q", path, names))
	}
	return strings.Join(lines, "\n")
}
