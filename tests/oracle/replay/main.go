// Replay: real control planes and real kubelets against what nodebake baked, step by step as the reference procedure does it.
//
// A run is one control plane for each version, side by side, each in namespaces of its own (processes, mounts, network), so that the kernel takes
// all of it away when the run ends, however it ends. What is left to clean are cgroups and one folder. The node side gets nothing but a payload.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// options is what a run is asked to do; its processes hand them on as JSON.
type options struct {
	Nodebake   string   // the program under test
	Kubernetes string   // the folder with one folder of oracles a version
	Work       string   // where everything goes; emptied first
	Table      string   // where the table goes
	Oracles    string   // this repository's tests/oracle
	Versions   []string // v1.16.6
	Full       bool     // three nodes of every format
	Drill      bool     // interrupt runs instead
	Ways       []string // of virtual machines, or all
	From       string   // the version of a cluster of kubeadm's, which is upgraded to the first of Versions
	Approver   string   // nodebake-approver, which decides all requests of a cluster
	VMs        bool     // virtual machines, which boot from payloads, instead of namespaces
	Trees      []hierarchy
}

func main() {
	// The kernel ties a child's death to the thread that started it; the main thread lives as long as the process.
	runtime.LockOSThread()
	if len(os.Args) > 2 {
		switch os.Args[1] {
		case "in-container":
			runInContainer(os.Args[2])
		case "supervise":
			os.Exit(supervise(told()))
		case "inside":
			os.Exit(inside(told()))
		case "node-enter", "node-first", "node-main":
			inNode(os.Args[1], os.Args[2])
		}
	}
	os.Exit(outside(arguments()))
}

// told are the options that the process before this one hands on.
func told() options {
	var o options
	if err := json.Unmarshal([]byte(os.Args[2]), &o); err != nil {
		fmt.Fprintln(os.Stderr, "replay:", err)
		os.Exit(1)
	}
	return o
}

// asJSON is what [told] reads.
func (o options) asJSON() string {
	text, _ := json.Marshal(o)
	return string(text)
}

func arguments() options {
	var o options
	var versions, ways string
	flag.StringVar(&o.Nodebake, "nodebake", "", "the program under test")
	flag.StringVar(&o.Kubernetes, "kubernetes", "", "folder with VERSION/kube-apiserver, kube-controller-manager, kubelet")
	flag.StringVar(&o.Work, "work", "", "folder to work in; it is emptied first")
	flag.StringVar(&o.Table, "table", "", "file to write the table of steps to")
	flag.StringVar(&o.Oracles, "oracles", "", "the folder tests/oracle")
	flag.StringVar(&versions, "versions", "v1.16.6,v1.34.4", "Kubernetes versions")
	flag.BoolVar(&o.Full, "full", false, "three nodes of every format, not of the tarball only")
	flag.BoolVar(&o.Drill, "drill", false, "interrupt runs in every way, and see that each leaves the machine as it was")
	flag.BoolVar(&o.VMs, "vms", false, "virtual machines that boot from payloads alone, one for each way in, not machines of namespaces")
	flag.StringVar(&o.From, "kubeadm", "", "instead: nodes for a cluster that kubeadm of this version set up, which is upgraded to the version of -versions")
	flag.StringVar(&o.Approver, "approver", "", "instead: a cluster whose requests this nodebake-approver decides")
	flag.StringVar(&ways, "ways", "", "only these virtual machines: copy-to-root,tarball")
	flag.Parse()
	o.Versions = strings.Split(versions, ",")
	if ways != "" {
		o.Ways = strings.Split(ways, ",")
	}
	if o.Approver != "" {
		o.Approver, _ = filepath.Abs(o.Approver)
	}
	for _, path := range []*string{&o.Nodebake, &o.Kubernetes, &o.Work, &o.Table, &o.Oracles} {
		*path, _ = filepath.Abs(*path)
	}
	return o
}

// outside is what the user started.
func outside(o options) int {
	if os.Getuid() != 0 {
		fmt.Fprintln(os.Stderr, "replay: needs root: it makes namespaces and cgroups and runs kubelets")
		return 1
	}
	var err error
	if o.VMs {
		// They have a kernel of their own.
	} else if o.Trees, err = hierarchies(); err != nil || len(o.Trees) == 0 {
		fmt.Fprintln(os.Stderr, "replay: needs cgroup v1, which a v1.16 kubelet cannot do without; this machine mounts none")
		return 1
	}
	if lacks := missing(o); len(lacks) > 0 {
		fmt.Fprintln(os.Stderr, "replay: this machine lacks:\n  "+strings.Join(lacks, "\n  "))
		return 1
	}
	if o.Drill {
		return drill(o)
	}
	return front(o)
}
