package main

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

type mounted struct {
	what, at, kind string
	flags          uintptr
	data           string
}

// mount makes the node's root: the payload's files, the host's /usr below what the payload put there, and what a kernel and systemd mount.
func (n node) mount() error {
	for _, part := range []func() error{n.mountDisk, n.mountDevices, n.mountKernel, n.ownKernelSettings, n.mountCgroups} {
		if err := part(); err != nil {
			return err
		}
	}
	if err := syscall.PivotRoot(n.Root, n.in(".old")); err != nil {
		return fmt.Errorf("pivot_root: %w", err)
	}
	if err := os.Chdir("/"); err != nil {
		return err
	}
	// A kubelet wants its mounts to be seen by the containers that it asks for.
	return mountAll([]mounted{{"", "/.old", "", syscall.MNT_DETACH, "unmount"}, {"", "/", "", syscall.MS_REC | syscall.MS_SHARED, ""}})
}

// mountDisk: the payload's files are the root, and its own /usr lies over the host's.
func (n node) mountDisk() error {
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
	return mountAll([]mounted{
		{"", "/", "", syscall.MS_REC | syscall.MS_PRIVATE, ""},
		{n.Root, n.Root, "", syscall.MS_BIND, ""},
		{"overlay", usr, "overlay", 0, "lowerdir=/usr,upperdir=" + usr + ",workdir=" + work},
		{"tmpfs", n.in("run"), "tmpfs", 0, "mode=755"},
		{"tmpfs", n.in("dev"), "tmpfs", 0, "mode=755"},
	})
}

// mountDevices: what every program may count on in /dev.
func (n node) mountDevices() error {
	var list []mounted
	for _, name := range []string{"null", "zero", "full", "random", "urandom", "tty", "kmsg"} {
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
	return mountAll(append(list,
		mounted{"devpts", n.in("dev/pts"), "devpts", 0, "newinstance,ptmxmode=0666"},
		mounted{"tmpfs", n.in("dev/shm"), "tmpfs", 0, ""},
		mounted{"mqueue", n.in("dev/mqueue"), "mqueue", 0, ""},
	))
}

// mountKernel: /proc, /sys, and the kubelet's program at the place that its unit names.
func (n node) mountKernel() error {
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
	return mountAll([]mounted{
		{"proc", n.in("proc"), "proc", 0, ""},
		{"sysfs", n.in("sys"), "sysfs", 0, ""},
		{"tmpfs", n.in("sys/fs/cgroup"), "tmpfs", 0, "mode=755"},
		{n.Kubelet, binary, "", syscall.MS_BIND, ""},
	})
}

// mountCgroups: the node's own cgroups look like the machine's, since it has a namespace of them.
func (n node) mountCgroups() error {
	for _, tree := range n.Trees {
		at := n.in(tree.At)
		if err := os.MkdirAll(at, 0o755); err != nil {
			return err
		}
		if err := mountAll([]mounted{{"cgroup", at, "cgroup", 0, tree.Options}}); err != nil {
			return err
		}
	}
	return nil
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
