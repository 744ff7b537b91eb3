// Replay: real control planes and real kubelets against what nodebake baked, step by step as the reference procedure does it.
//
// One run makes namespaces of its own (processes, mounts, network) and does everything inside them, so that the kernel takes all of it away
// when the run ends, however it ends. What is left to clean are cgroups and one folder. The node side gets nothing but a payload.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
)

// options is what a run is asked to do; the part inside the namespaces gets them as JSON.
type options struct {
	Nodebake   string   // the program under test
	Kubernetes string   // the folder with one folder of judges a version
	Work       string   // where everything goes; emptied first
	Table      string   // where the table goes
	Judges     string   // this repository's tests/judge
	Versions   []string // v1.16.6
	Mutations  bool
	Trees      []hierarchy // the machine's cgroups
}

func main() {
	// The kernel ties a child's death to the thread that started it; the main thread lives as long as the process.
	runtime.LockOSThread()
	if len(os.Args) > 2 {
		switch os.Args[1] {
		case "in-container":
			runInContainer(os.Args[2])
		case "inside":
			inside(os.Args[2])
		case "node-enter", "node-first", "node-main":
			inNode(os.Args[1], os.Args[2])
		}
	}
	os.Exit(outside())
}

func arguments() options {
	var o options
	var versions string
	flag.StringVar(&o.Nodebake, "nodebake", "", "the program under test")
	flag.StringVar(&o.Kubernetes, "kubernetes", "", "folder with VERSION/kube-apiserver, kube-controller-manager, kubelet")
	flag.StringVar(&o.Work, "work", "", "folder to work in; it is emptied first")
	flag.StringVar(&o.Table, "table", "", "file to write the table of steps to")
	flag.StringVar(&o.Judges, "judges", "", "the folder tests/judge")
	flag.StringVar(&versions, "versions", "v1.16.6,v1.34.4", "Kubernetes versions")
	flag.BoolVar(&o.Mutations, "mutations", true, "also break things and see that a step catches each")
	flag.Parse()
	o.Versions = strings.Split(versions, ",")
	for _, path := range []*string{&o.Nodebake, &o.Kubernetes, &o.Work, &o.Table, &o.Judges} {
		*path, _ = filepath.Abs(*path)
	}
	return o
}

func outside() int {
	o := arguments()
	if os.Getuid() != 0 {
		fmt.Fprintln(os.Stderr, "replay: needs root: it makes namespaces and cgroups and runs kubelets")
		return 1
	}
	var err error
	if o.Trees, err = hierarchies(); err != nil || len(o.Trees) == 0 {
		fmt.Fprintln(os.Stderr, "replay: needs cgroup v1, which a v1.16 kubelet cannot do without; this machine mounts none")
		return 1
	}
	if lacks := missing(o); len(lacks) > 0 {
		fmt.Fprintln(os.Stderr, "replay: this machine lacks:\n  "+strings.Join(lacks, "\n  "))
		return 1
	}
	lock, err := os.Create(o.Work + ".lock")
	if err == nil {
		err = syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "replay: another run is using", o.Work, err)
		return 1
	}
	return supervise(o)
}

// supervise runs the replay in namespaces of its own and then leaves the machine as it was.
func supervise(o options) int {
	if err := removeCgroups(o.Trees); err != nil {
		fmt.Fprintln(os.Stderr, "replay: cgroups of an earlier run:", err)
		return 1
	}
	if err := os.RemoveAll(o.Work); err != nil {
		fmt.Fprintln(os.Stderr, "replay:", err)
		return 1
	}
	before := snapshot(o.Trees)
	told, _ := json.Marshal(o)
	inner := exec.Command("/proc/self/exe", "inside", string(told))
	inner.Stdout, inner.Stderr = os.Stdout, os.Stderr
	inner.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWPID | syscall.CLONE_NEWNS | syscall.CLONE_NEWNET | syscall.CLONE_NEWUTS | syscall.CLONE_NEWIPC,
		Pdeathsig:  syscall.SIGKILL,
		Setpgid:    true, // Ctrl-C comes to the supervisor only
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	if err := inner.Start(); err != nil {
		fmt.Fprintln(os.Stderr, "replay: namespaces:", err)
		return 1
	}
	ended := make(chan error, 1)
	go func() { ended <- inner.Wait() }()
	var failed error
	select {
	case failed = <-ended:
	case which := <-signals:
		fmt.Fprintln(os.Stderr, "replay: stopping:", which)
		_ = inner.Process.Kill() // the first process of its namespace: all others go with it
		<-ended
		failed = fmt.Errorf("stopped")
	}
	return leave(o, before, failed)
}

// leave removes what namespaces do not, and checks that the machine is as it was. Logs stay in the work folder.
func leave(o options, before string, failed error) int {
	code := 0
	if failed != nil {
		code = 1
	}
	if err := removeCgroups(o.Trees); err != nil {
		fmt.Fprintln(os.Stderr, "replay: removing cgroups:", err)
		code = 1
	}
	roots, _ := filepath.Glob(filepath.Join(o.Work, "*/nodes/*/root"))
	for _, root := range append(roots, filepath.Join(o.Work, "etcd")) {
		if err := os.RemoveAll(root); err != nil {
			fmt.Fprintln(os.Stderr, "replay:", err)
			code = 1
		}
	}
	if after := snapshot(o.Trees); after != before {
		fmt.Fprintf(os.Stderr, "replay: the machine is not as it was\n--- before\n%s\n--- after\n%s\n", before, after)
		code = 1
	}
	return code
}
