package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// formats are the ways a payload comes to a node, by nodebake's own names.
var formats = []string{"tarball", "initramfs", "ignition", "cloudInit"}

// runtimeConfig is what an operating system's image brings for its container runtime. restrict_oom_score_adj: root may lack CAP_SYS_RESOURCE.
const runtimeConfig = `version = 2
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "` + pauseImage + `"
  disable_apparmor = true
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "/etc/cni/net.d"
`

// image makes the root of a node as an operating system's image has it, before any payload.
func (n *node) image() error {
	for _, folder := range []string{"etc/containerd", "images", "var/lib", "tmp"} {
		if err := os.MkdirAll(n.in(folder), 0o755); err != nil {
			return err
		}
	}
	for _, name := range []string{"passwd", "group"} {
		text, err := os.ReadFile("/etc/" + name)
		if err != nil {
			return err
		}
		if err := os.WriteFile(n.in("etc/"+name), text, 0o644); err != nil {
			return err
		}
	}
	files := map[string]string{
		"etc/resolv.conf": "nameserver " + n.Gateway + "\n", "etc/containerd/config.toml": runtimeConfig,
		"etc/hosts": "127.0.0.1 localhost\n", "etc/machine-id": "",
	}
	for name, text := range files {
		if err := os.WriteFile(n.in(name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	for _, image := range n.Images {
		if err := os.Link(image, n.in("images/"+filepath.Base(image))); err != nil {
			return err
		}
	}
	return nil
}

// apply brings the payload to the root by the program that does it in the field.
func (n *node) apply(p *project, oracles string) error {
	folder := p.out("nodes", n.Name)
	var command *exec.Cmd
	switch n.format {
	case "tarball":
		command = exec.Command("tar", "-xzpf", filepath.Join(folder, n.Name+".tar.gz"), "-C", n.Root)
	case "initramfs":
		command = exec.Command("sh", "-euc", `gzip -dc "$1" | cpio -idmu --quiet`, "sh", filepath.Join(folder, "initramfs.cpio.gz"))
		command.Dir = n.Root
	case "cloudInit":
		command = exec.Command("unshare", "-m", "sh", filepath.Join(oracles, "cloud_init/in_chroot.sh"), n.Root,
			filepath.Join(folder, "user-data"), filepath.Join(oracles, "cloud_init/apply.py"), cloudInitModules())
	case "ignition":
		command = exec.Command("sh", "-euc", `for stage in fetch-offline fetch files; do
    IGNITION_CONFIG_FILE=$1 ignition-engine -platform file -stage $stage -log-to-stdout -root "$2" -config-cache "$3/cache.json" \
        -neednet "$3/neednet" -state-file "$3/state.json"
done
systemctl --root="$2" preset-all`, "sh", filepath.Join(folder, "config.ign"), n.Root, n.Folder)
	default:
		return fmt.Errorf("no format %q", n.format)
	}
	said, err := command.CombinedOutput()
	if err != nil {
		return fmt.Errorf("applying %s: %w: %s", n.format, err, lastOf(string(said), 2000))
	}
	return os.RemoveAll(n.in(".oracle"))
}

func lastOf(text string, length int) string {
	if len(text) > length {
		return "…" + text[len(text)-length:]
	}
	return text
}

// cloudInitModules is where cloud-init's Python modules are, or nothing where they are installed.
func cloudInitModules() string {
	program, err := exec.LookPath("cloud-init")
	if err != nil {
		return ""
	}
	modules := filepath.Join(filepath.Dir(program), "../cloud-init/usr/lib/python3/dist-packages")
	if _, err := os.Stat(modules); err != nil {
		return ""
	}
	return modules
}

// lay makes the node's root anew: an image with the payload on it.
func (n *node) lay(p *project, oracles string) error {
	if err := os.RemoveAll(n.Root); err != nil {
		return err
	}
	if err := os.MkdirAll(n.Folder, 0o755); err != nil {
		return err
	}
	if err := n.image(); err != nil {
		return err
	}
	return n.apply(p, oracles)
}
