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

// noWayOut: what the machines could reach is what this namespace can reach.
func (r *replay) noWayOut() {
	r.step("cluster", "vm-no-network", "outside the namespace of the API server nothing can be reached", func() (string, error) {
		said, err := exec.Command("ip", "route", "get", "192.0.2.1").CombinedOutput()
		if err == nil {
			return string(said), fmt.Errorf("there is a way out")
		}
		routes, err := ask("ip", "route", "show", "default")
		if err == nil && strings.TrimSpace(routes) != "" {
			err = fmt.Errorf("default route %s", routes)
		}
		return string(said), err
	})
}

// startMachine makes what the machine boots and starts it. Its console is a file. QEMU's own network hands on what goes to the API server's address,
// for that is an address of this namespace, and what the API server sends to the kubelet.
func (r *replay) startMachine(n *node, place int, w way) error {
	if err := os.MkdirAll(n.Folder, 0o755); err != nil {
		return err
	}
	with, err := w.boot(r, n)
	if err != nil {
		return err
	}
	// From 127.0.0.1 QEMU's network makes its gateway's address; from the machine's own address it would not be answered.
	if err := do("ip", "route", "add", "local", n.Address+"/32", "dev", "lo", "src", "127.0.0.1"); err != nil {
		return err
	}
	// On a busy host the emulated timer may be late at the moment at which the kernel tests it, and a kernel that tests it panics: no_timer_check.
	args := strings.Fields("-machine q35 -cpu max -accel tcg,thread=multi -smp 2 -display none -monitor none -no-reboot")
	args = append(args, "-m", fmt.Sprint(w.memory), "-serial", "file:"+n.console, "-kernel", with.kernel, "-initrd", with.initrd,
		"-append", "console=ttyS0 panic=-1 no_timer_check systemd.firstboot=off systemd.journald.forward_to_console=1 "+with.append,
		"-netdev", fmt.Sprintf("user,id=lan,net=%s.0/24,hostfwd=tcp:%s:10250-%s:10250", subnetOf(place), n.Address, n.Address),
		"-device", "virtio-net-pci,netdev=lan,mac="+macOf(place))
	said, err := os.Create(n.log("qemu"))
	if err != nil {
		return err
	}
	defer said.Close()
	n.process = exec.Command("qemu-system-x86_64", append(args, with.devices...)...)
	n.process.Stdout, n.process.Stderr = said, said
	n.process.Env = append(os.Environ(), "TMPDIR="+r.memory(""))
	n.process.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return n.process.Start()
}

// What a kernel says that did not get all of its initrd, or ended.
var kernelTroubles = []string{"invalid magic", "write error", "Initramfs unpacking failed", "Kernel panic", "junk within compressed archive"}

// crashed is why a virtual machine cannot go on; nothing as long as it can.
func (n *node) crashed() error {
	text, _ := os.ReadFile(n.console)
	for _, trouble := range kernelTroubles {
		if strings.Contains(string(text), trouble) {
			return fmt.Errorf("the kernel says %q; %s", trouble, lastLines(n.console))
		}
	}
	if _, _, err := readProcess(n.process.Process.Pid); err != nil {
		return fmt.Errorf("the machine is off: %s; %s", lastLines(n.log("qemu")), lastLines(n.console))
	}
	return nil
}

// kernelArguments are those that bundle.json says for the node's overlay.
func (p *project) kernelArguments(name string) (string, error) {
	text, err := os.ReadFile(p.out("bundle.json"))
	if err != nil {
		return "", err
	}
	var bundle struct {
		Nodes []struct {
			Name      string
			Initramfs struct{ KernelArguments []string }
		}
	}
	if err := json.Unmarshal(text, &bundle); err != nil {
		return "", err
	}
	for _, one := range bundle.Nodes {
		if one.Name == name {
			return strings.Join(one.Initramfs.KernelArguments, " "), nil
		}
	}
	return "", fmt.Errorf("bundle.json has no node %s", name)
}

// image is a file of a machine image as tests/oracle/boots makes them.
func (o options) image(name, file string) string {
	return filepath.Join(filepath.Dir(o.Kubernetes), name, file)
}
