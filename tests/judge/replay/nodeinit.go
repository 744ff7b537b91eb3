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

type mounted struct {
	what, at, kind string
	flags          uintptr
	data           string
}

// mount makes the node's root: the payload's files, the host's /usr below what the payload put there, and what a kernel and systemd mount.
func (n node) mount() error {
	root := n.root()
	usr := n.in("usr")
	// Beside the upper folder and in the same mount, or the kernel refuses it.
	work := n.in(".usr-work")
	for _, folder := range []string{usr, work, n.in("proc"), n.in("sys"), n.in("dev"), n.in("run"), n.in("tmp"), n.in("var/log"), n.in(".old")} {
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return err
		}
	}
	for _, name := range []string{"bin", "sbin", "lib", "lib64"} {
		_ = os.Symlink("usr/"+name, n.in(name))
	}
	_ = os.Symlink("/run", n.in("var/run"))
	devices := []string{"null", "zero", "full", "random", "urandom", "tty", "kmsg"}
	list := []mounted{
		{"", "/", "", syscall.MS_REC | syscall.MS_PRIVATE, ""},
		{root, root, "", syscall.MS_BIND, ""},
		{"overlay", usr, "overlay", 0, "lowerdir=/usr,upperdir=" + usr + ",workdir=" + work},
		{"tmpfs", n.in("run"), "tmpfs", 0, "mode=755"},
		{"tmpfs", n.in("dev"), "tmpfs", 0, "mode=755"},
	}
	if err := mountAll(list); err != nil {
		return err
	}
	list = nil
	for _, name := range devices {
		if err := os.WriteFile(n.in("dev/"+name), nil, 0o666); err != nil {
			return err
		}
		list = append(list, mounted{"/dev/" + name, n.in("dev/" + name), "", syscall.MS_BIND, ""})
	}
	for name, target := range map[string]string{"fd": "/proc/self/fd", "ptmx": "pts/ptmx"} {
		_ = os.Symlink(target, n.in("dev/"+name))
	}
	for _, name := range []string{"pts", "shm", "mqueue"} {
		_ = os.Mkdir(n.in("dev/"+name), 0o755)
	}
	u, err := n.unit()
	if err != nil {
		return err
	}
	binary := n.in(u.Exec[0])
	if err := os.MkdirAll(filepath.Dir(binary), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(binary, nil, 0o755); err != nil {
		return err
	}
	list = append(list,
		mounted{"devpts", n.in("dev/pts"), "devpts", 0, "newinstance,ptmxmode=0666"},
		mounted{"tmpfs", n.in("dev/shm"), "tmpfs", 0, ""},
		mounted{"mqueue", n.in("dev/mqueue"), "mqueue", 0, ""},
		mounted{"proc", n.in("proc"), "proc", 0, ""},
		mounted{"sysfs", n.in("sys"), "sysfs", 0, ""},
		mounted{"tmpfs", n.in("sys/fs/cgroup"), "tmpfs", 0, "mode=755"},
		mounted{n.Kubelet, binary, "", syscall.MS_BIND, ""},
	)
	if err := mountAll(list); err != nil {
		return err
	}
	if err := n.ownKernelSettings(); err != nil {
		return err
	}
	list = nil
	for _, tree := range n.Trees {
		at := n.in(tree.At)
		if err := os.MkdirAll(at, 0o755); err != nil {
			return err
		}
		list = append(list, mounted{"cgroup", at, "cgroup", 0, tree.Options})
	}
	if err := mountAll(list); err != nil {
		return err
	}
	if err := syscall.PivotRoot(root, n.in(".old")); err != nil {
		return fmt.Errorf("pivot_root: %w", err)
	}
	if err := os.Chdir("/"); err != nil {
		return err
	}
	// A kubelet wants its mounts to be seen by the containers that it asks for.
	return mountAll([]mounted{{"", "/.old", "", syscall.MNT_DETACH, "unmount"}, {"", "/", "", syscall.MS_REC | syscall.MS_SHARED, ""}})
}

// ownKernelSettings lays copies over the settings that belong to the whole machine: the payload's sysctl.d and the kubelet set those.
func (n node) ownKernelSettings() error {
	for _, name := range kernelSettings {
		at := n.in("proc/sys/" + name)
		value, err := os.ReadFile(at)
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			return err
		}
		own := n.in("run/own-settings/" + name)
		if err := os.MkdirAll(filepath.Dir(own), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(own, value, 0o644); err != nil {
			return err
		}
		if err := mountAll([]mounted{{own, at, "", syscall.MS_BIND, ""}}); err != nil {
			return err
		}
	}
	return nil
}

func mountAll(list []mounted) error {
	for _, m := range list {
		var err error
		if m.data == "unmount" {
			err = syscall.Unmount(m.at, int(m.flags))
		} else {
			err = syscall.Mount(m.what, m.at, m.kind, m.flags, m.data)
		}
		if err != nil {
			return fmt.Errorf("mounting %s (%s) at %s: %w", m.what, m.kind, m.at, err)
		}
	}
	return nil
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
	const socket = "/run/containerd/containerd.sock"
	for connection, err := net.Dial("unix", socket); ; connection, err = net.Dial("unix", socket) {
		if err == nil {
			_ = connection.Close()
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	for _, image := range n.Images {
		if err := do("ctr", "-n", "k8s.io", "images", "import", "/images/"+filepath.Base(image)); err != nil {
			return err
		}
	}
	u, err := readUnit("/")
	if err != nil {
		return err
	}
	for {
		kubelet := exec.Command(u.Exec[0], u.Exec[1:]...)
		kubelet.Dir = u.WorkDir
		kubelet.Stdout, kubelet.Stderr = kubeletLog, kubeletLog
		err := kubelet.Run()
		// Restart=always
		fmt.Fprintf(kubeletLog, "replay: kubelet ended: %v\n", err)
		time.Sleep(u.Restart)
	}
}
