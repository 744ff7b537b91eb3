package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// interruption is one way in which a run may end before its time.
type interruption struct {
	name string
	send func(front, supervisor int) error
	// remains: nobody was left to clean up, so that the next run has to, where namespaces do not take everything with them.
	remains bool
}

func interruptions() []interruption {
	kill := func(pid int, with syscall.Signal) error { return syscall.Kill(pid, with) }
	return []interruption{
		{name: "SIGKILL of all its processes at once", remains: true, send: func(front, supervisor int) error {
			if err := kill(front, syscall.SIGSTOP); err != nil {
				return err
			}
			if err := kill(supervisor, syscall.SIGKILL); err != nil {
				return err
			}
			return kill(front, syscall.SIGKILL)
		}},
		// A terminal sends it to the whole process group.
		{name: "Ctrl-C", send: func(front, _ int) error { return kill(-front, syscall.SIGINT) }},
		{name: "SIGTERM", send: func(front, _ int) error { return kill(front, syscall.SIGTERM) }},
		{name: "SIGKILL of what was started", send: func(front, _ int) error { return kill(front, syscall.SIGKILL) }},
		{name: "SIGKILL of the supervisor", send: func(_, supervisor int) error { return kill(supervisor, syscall.SIGKILL) }},
	}
}

// drill interrupts runs in the middle, in every way, and sees that each leaves the machine as it was.
func drill(o options) int {
	before := snapshot(o)
	for _, one := range interruptions() {
		begun := time.Now()
		if err := interrupted(o, one, before); err != nil {
			fmt.Printf("FAIL drill %s %s: %s\n", o.what(), one.name, err)
			return 1
		}
		fmt.Printf("ok   drill %-10s %-38s %5.1fs\n", o.what(), one.name, time.Since(begun).Seconds())
	}
	return 0
}

// what is the kind of run.
func (o options) what() string {
	if o.VMs {
		return "machines"
	}
	return "nodes"
}

// interrupted starts a run, waits until its first nodes or machines are booted, and sends what the interruption sends.
func interrupted(o options, one interruption, before string) error {
	said, err := os.Create(o.Work + ".drill.log")
	if err != nil {
		return err
	}
	defer said.Close()
	o.Drill = false
	run := exec.Command("/proc/self/exe", "-nodebake", o.Nodebake, "-kubernetes", o.Kubernetes, "-oracles", o.Oracles, "-work", o.Work,
		"-table", o.Work+".drill.md", "-versions", strings.Join(o.Versions, ","), fmt.Sprintf("-vms=%v", o.VMs))
	run.Stdout, run.Stderr = said, said
	run.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	if err := run.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- run.Wait() }()
	if err := inTheMiddle(o, run.Process.Pid, said.Name(), ended); err != nil {
		_ = run.Process.Signal(syscall.SIGTERM)
		return err
	}
	family := descendants(run.Process.Pid)
	if len(family) == 0 {
		return fmt.Errorf("the run has no processes")
	}
	own := namespaces(family)
	if len(own) == 0 {
		return fmt.Errorf("the run has no namespaces of its own")
	}
	if err := one.send(run.Process.Pid, family[0].pid); err != nil {
		return err
	}
	if err := leftBehind(o, one, before, said.Name(), family); err != nil {
		return err
	}
	for _, pid := range allProcesses() {
		for kind := range own {
			if own[kind][namespaceOf(pid, kind)] {
				return fmt.Errorf("process %d is in a %s namespace of the run", pid, kind)
			}
		}
	}
	return nil
}

// namespaces of processes that are not this one's: kind, and which.
func namespaces(of []process) map[string]map[string]bool {
	found := map[string]map[string]bool{}
	for _, kind := range []string{"net", "mnt"} {
		for _, p := range of {
			if which := namespaceOf(p.pid, kind); which != "" && which != namespaceOf(os.Getpid(), kind) {
				if found[kind] == nil {
					found[kind] = map[string]bool{}
				}
				found[kind][which] = true
			}
		}
	}
	return found
}

func namespaceOf(pid int, kind string) string {
	which, _ := os.Readlink(fmt.Sprintf("/proc/%d/ns/%s", pid, kind))
	return which
}

// inTheMiddle waits until a node of every version asks for its certificate, or as many machines run as do at a time: control planes, nodes, mounts,
// links and cgroups are there then.
func inTheMiddle(o options, front int, log string, ended <-chan error) error {
	var reason error
	err := waitFor("nodes of all versions are booted", 5*time.Minute, log, func() (string, bool) {
		select {
		case err := <-ended:
			reason = fmt.Errorf("the run ended by itself: %v; %s", err, lastLines(log))
			return "", true
		default:
		}
		if o.VMs {
			machines := 0
			for _, p := range descendants(front) {
				// As much of the name as the kernel keeps.
				if strings.HasPrefix("qemu-system-x86_64", p.command) && len(p.command) == 15 {
					machines++
				}
			}
			return fmt.Sprintf("%d machines", machines), machines >= atOnce
		}
		text, _ := os.ReadFile(log)
		for _, version := range o.Versions {
			if !strings.Contains(string(text), "ok   "+version+" tarball   csr-refused-before-rbac") {
				return version + " is not there yet", false
			}
		}
		return "", true
	})
	if reason != nil {
		return reason
	}
	return err
}

// leftBehind waits until all processes of the run are gone and the machine is as it was, or, where nobody could clean up, sees that there is
// something for the next run to clean.
func leftBehind(o options, one interruption, before, log string, family []process) error {
	err := waitFor("all its processes are gone", time.Minute, log, func() (string, bool) {
		for _, p := range family {
			if p.lives() {
				return fmt.Sprintf("process %d lives: %s", p.pid, p.command), false
			}
		}
		return "", true
	})
	if err != nil {
		return err
	}
	if one.remains && len(o.Trees) > 0 {
		if snapshot(o) == before {
			return fmt.Errorf("it left nothing behind, so that this proves nothing")
		}
		return nil
	}
	lock, err := lockWork(o)
	if err != nil {
		return err
	}
	defer lock.Close()
	if after := snapshot(o); after != before {
		return fmt.Errorf("the machine is not as it was\n--- before\n%s\n--- after\n%s", before, after)
	}
	return nil
}

// process is one of the machine's; its start tells it from a later one of the same number.
type process struct {
	pid            int
	start, command string
}

func readProcess(pid int) (p process, parent int, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return p, 0, err
	}
	// The program's name, in brackets, may hold anything.
	_, after, _ := strings.Cut(string(text), "(")
	end := strings.LastIndex(after, ")")
	words := strings.Fields(after[end+1:])
	if end < 0 || len(words) < 20 {
		return p, 0, fmt.Errorf("/proc/%d/stat: %s", pid, text)
	}
	parent, err = strconv.Atoi(words[1])
	if words[0] == "Z" {
		return p, parent, fmt.Errorf("it is a zombie")
	}
	return process{pid: pid, start: words[19], command: after[:end]}, parent, err
}

func (p process) lives() bool {
	now, _, err := readProcess(p.pid)
	return err == nil && now.start == p.start
}

func allProcesses() (pids []int) {
	folders, _ := filepath.Glob("/proc/[0-9]*")
	for _, folder := range folders {
		if pid, err := strconv.Atoi(filepath.Base(folder)); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

// descendants are all processes below one, those nearest to it first.
func descendants(of int) (found []process) {
	children := map[int][]process{}
	for _, pid := range allProcesses() {
		if p, parent, err := readProcess(pid); err == nil {
			children[parent] = append(children[parent], p)
		}
	}
	for below := children[of]; len(below) > 0; {
		found = append(found, below...)
		var next []process
		for _, p := range below {
			next = append(next, children[p.pid]...)
		}
		below = next
	}
	return found
}
