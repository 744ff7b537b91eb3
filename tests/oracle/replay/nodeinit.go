package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// inNode is one of the three processes that make a node: the one that enters its namespaces, the first one inside (which mounts and reaps), and
// the one that does what systemd would do.
func inNode(which, told string) {
	var n node
	err := json.Unmarshal([]byte(told), &n)
	if err == nil {
		switch which {
		case "node-enter":
			err = enterNode(n)
		case "node-first":
			err = firstInNode(n)
		case "node-main":
			err = mainOfNode(n)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, nodeFailed, which+":", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// firstInNode is process 1 of the node.
func firstInNode(n node) error {
	// The cable is plugged in when this closes.
	_, _ = os.Stdin.Read(make([]byte, 1))
	logs := make([]*os.File, 2)
	for i, name := range []string{"kubelet", "containerd"} {
		var err error
		if logs[i], err = os.OpenFile(n.log(name), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644); err != nil {
			return err
		}
	}
	for _, args := range [][]string{
		{"link", "set", "lo", "up"}, {"addr", "add", n.Address + "/" + n.Bits, "dev", "eth0"}, {"link", "set", "eth0", "up"},
		{"route", "add", "default", "via", n.Gateway},
		// There is no cloud here: kubelets of old ask its metadata service for 15 s unless they are told so at once.
		{"route", "add", "unreachable", "169.254.0.0/16"},
	} {
		if err := do("ip", args...); err != nil {
			return err
		}
	}
	if err := n.mount(); err != nil {
		return err
	}
	if err := syscall.Sethostname([]byte(n.Name)); err != nil {
		return err
	}
	child, err := syscall.ForkExec("/proc/self/exe", []string{"replay", "node-main", os.Args[2]}, &syscall.ProcAttr{
		Dir: "/", Env: []string{"PATH=/usr/sbin:/usr/bin", "LC_ALL=C"},
		Files: []uintptr{0, 1, 2, logs[0].Fd(), logs[1].Fd()},
	})
	if err != nil {
		return err
	}
	for {
		ended, err := syscall.Wait4(-1, nil, 0, nil)
		if err != nil && err != syscall.EINTR {
			return err
		}
		if ended == child {
			return fmt.Errorf("the node's main process ended")
		}
	}
}

// mainOfNode does what systemd would do for this payload: kernel settings, the container runtime, then the kubelet, again and again.
func mainOfNode(n node) error {
	kubeletLog, runtimeLog := os.NewFile(3, "kubelet.log"), os.NewFile(4, "containerd.log")
	syscall.CloseOnExec(3)
	syscall.CloseOnExec(4)
	// A setting that this kernel lacks is a warning for a real node, too; what the kubelet needs it checks itself.
	said, _ := exec.Command("/usr/lib/systemd/systemd-sysctl").CombinedOutput()
	fmt.Printf("systemd-sysctl: %s\n", bytes.TrimSpace(said))
	containerd := exec.Command("/usr/bin/containerd")
	containerd.Stdout, containerd.Stderr = runtimeLog, runtimeLog
	if err := containerd.Start(); err != nil {
		return err
	}
	if err := answering(containerd, "/run/containerd/containerd.sock"); err != nil {
		return err
	}
	for _, image := range n.Images {
		if err := do("ctr", "-n", "k8s.io", "images", "import", "/images/"+filepath.Base(image)); err != nil {
			return err
		}
	}
	for {
		// What the unit reads may have come since.
		u, err := readUnit("/")
		if err != nil {
			return err
		}
		kubelet := exec.Command(u.Exec[0], u.Exec[1:]...)
		kubelet.Dir = u.WorkDir
		kubelet.Stdout, kubelet.Stderr = kubeletLog, kubeletLog
		if err = kubelet.Start(); err == nil {
			_ = os.WriteFile(kubeletPID, []byte(fmt.Sprint(kubelet.Process.Pid)), 0o644)
			err = kubelet.Wait()
		}
		// Restart=always
		fmt.Fprintf(kubeletLog, "replay: kubelet ended: %v\n", err)
		untilStarted(u.Restart)
	}
}

// Where a node says which process its kubelet is, and where it is told to start it at once.
const kubeletPID, kubeletStart = "/run/kubelet.pid", "/run/kubelet.start"

// untilStarted waits as long as the unit waits before it starts the kubelet again, or until somebody starts it.
func untilStarted(limit time.Duration) {
	for deadline := time.Now().Add(limit); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if os.Remove(kubeletStart) == nil {
			return
		}
	}
}

// answering waits until a server takes connections, or ends.
func answering(server *exec.Cmd, socket string) error {
	ended := make(chan error, 1)
	go func() { ended <- server.Wait() }()
	for {
		if connection, err := net.Dial("unix", socket); err == nil {
			return connection.Close()
		}
		select {
		case err := <-ended:
			return fmt.Errorf("%s ended: %v", server.Path, err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}
