package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

// front starts the supervisor and watches it. Two processes, so that a SIGKILL of either leaves one that cleans up.
func front(o options) int {
	lock, err := lockWork(o)
	if err != nil {
		fmt.Fprintln(os.Stderr, "replay:", err)
		return 1
	}
	if err := clean(o); err != nil {
		fmt.Fprintln(os.Stderr, "replay: what an earlier run left:", err)
		return 1
	}
	before := snapshot(o)
	supervisor := exec.Command("/proc/self/exe", "supervise", o.asJSON())
	supervisor.Stdout, supervisor.Stderr = os.Stdout, os.Stderr
	supervisor.ExtraFiles = []*os.File{lock} // it goes on holding the lock when this process is gone
	supervisor.SysProcAttr = &syscall.SysProcAttr{
		Pdeathsig: syscall.SIGTERM,
		Setpgid:   true, // Ctrl-C comes to this process only
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	if err := supervisor.Start(); err != nil {
		fmt.Fprintln(os.Stderr, "replay:", err)
		return 1
	}
	go func() {
		for which := range signals {
			fmt.Fprintln(os.Stderr, "replay: stopping:", which)
			_ = supervisor.Process.Signal(syscall.SIGTERM)
		}
	}()
	_ = supervisor.Wait()
	if code := supervisor.ProcessState.ExitCode(); code >= 0 {
		return code
	}
	fmt.Fprintln(os.Stderr, "replay: the supervisor died:", supervisor.ProcessState)
	_ = leave(o, before)
	return 1
}

// clean removes what an earlier run left: its logs, and its cgroups if it was killed with all its processes at once.
func clean(o options) error {
	if err := removeCgroups(o.Trees); err != nil {
		return err
	}
	return os.RemoveAll(o.Work)
}

// lockWork takes the work folder for this run. An interrupted run needs some seconds to leave it.
func lockWork(o options) (*os.File, error) {
	if err := os.MkdirAll(filepath.Dir(o.Work), 0o755); err != nil {
		return nil, err
	}
	lock, err := os.Create(o.Work + ".lock")
	if err != nil {
		return nil, err
	}
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		if err = syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err == nil {
			return lock, nil
		}
		if time.Now().After(deadline) {
			return nil, fmt.Errorf("another run is using %s: %w", o.Work, err)
		}
	}
}

// supervise runs one replay a version, each in namespaces of its own, and then leaves the machine as it was.
func supervise(o options) int {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	before := snapshot(o)
	begun := time.Now()
	code := 0
	for _, failed := range runVersions(o, signals) {
		if failed != nil {
			fmt.Fprintln(os.Stderr, "replay:", failed)
			code = 1
		}
	}
	if err := leave(o, before); err != nil {
		fmt.Fprintln(os.Stderr, "replay:", err)
		code = 1
	}
	if code != 0 {
		fmt.Printf("replay: FAILED after %.0f s; logs are in %s\n", time.Since(begun).Seconds(), o.Work)
		return code
	}
	steps, err := gather(o)
	if err == nil {
		err = writeTable(o.Table, steps)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "replay:", err)
		return 1
	}
	fmt.Printf("replay: all %d steps are good, in %.0f s\n", len(steps), time.Since(begun).Seconds())
	return 0
}

// runVersions runs all versions side by side until they end or a signal comes.
func runVersions(o options, signals <-chan os.Signal) (failures []error) {
	ended := make(chan error, len(o.Versions))
	var running []*exec.Cmd
	for _, version := range o.Versions {
		version := version
		one := o
		one.Versions = []string{version}
		inner := exec.Command("/proc/self/exe", "inside", one.asJSON())
		inner.Stdout, inner.Stderr = os.Stdout, os.Stderr
		inner.SysProcAttr = &syscall.SysProcAttr{
			Cloneflags: syscall.CLONE_NEWPID | syscall.CLONE_NEWNS | syscall.CLONE_NEWNET | syscall.CLONE_NEWUTS | syscall.CLONE_NEWIPC,
			Pdeathsig:  syscall.SIGKILL,
			Setpgid:    true,
		}
		if err := inner.Start(); err != nil {
			failures = append(failures, fmt.Errorf("namespaces: %w", err))
			continue
		}
		running = append(running, inner)
		go func() {
			err := inner.Wait()
			if err != nil {
				err = fmt.Errorf("%s: %w", version, err)
			}
			ended <- err
		}()
	}
	for range running {
		select {
		case failed := <-ended:
			failures = append(failures, failed)
		case which := <-signals:
			for _, inner := range running {
				_ = inner.Process.Kill() // the first process of its namespace: all others go with it
			}
			failures = append(failures, fmt.Errorf("stopped: %s", which), <-ended)
		}
	}
	return failures
}

// leave removes what namespaces do not, and checks that the machine is as it was. Logs stay in the work folder.
func leave(o options, before string) error {
	if err := removeCgroups(o.Trees); err != nil {
		return fmt.Errorf("removing cgroups: %w", err)
	}
	if after := snapshot(o); after != before {
		return fmt.Errorf("the machine is not as it was\n--- before\n%s\n--- after\n%s", before, after)
	}
	return nil
}

// gather reads what the versions proved.
func gather(o options) (all []step, err error) {
	for _, version := range o.Versions {
		text, err := os.ReadFile(filepath.Join(o.Work, version, "steps.json"))
		if err != nil {
			return nil, err
		}
		var steps []step
		if err := json.Unmarshal(text, &steps); err != nil {
			return nil, err
		}
		all = append(all, steps...)
	}
	return all, nil
}
