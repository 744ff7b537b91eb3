package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// What a diskless system does without: what no program of it reads, and each byte of it is there twice while the kernel unpacks it.
var leftOut = []string{
	"./boot", "./usr/lib/python3*", "./usr/bin/python3*", "./usr/share/perl*", "./usr/share/i18n", "./usr/lib/udev/hwdb.bin", "./var/lib/dpkg",
	"./var/cache", "./usr/lib/x86_64-linux-gnu/perl*", "./usr/lib/modules/*/kernel/sound", "./usr/lib/modules/*/kernel/drivers/infiniband",
	"./usr/lib/modules/*/kernel/drivers/scsi", "./usr/lib/modules/*/kernel/drivers/net/ethernet", "./usr/lib/modules/*/kernel/drivers/gpu",
}

// unpackImage unpacks the system's archive into a folder in memory.
func (r *replay) unpackImage(name string, without ...string) (string, error) {
	root := r.memory(name)
	if err := os.Mkdir(root, 0o755); err != nil {
		return "", err
	}
	args := []string{"-C", root, "-xpf", r.image("cloud-image", "root.tar")}
	for _, pattern := range without {
		args = append(args, "--exclude="+pattern)
	}
	return root, do("tar", args...)
}

// appendOverlay makes one initrd of a base and the node's overlay.
func (r *replay) appendOverlay(n *node, base string) (booted, error) {
	out := r.memory(n.Name + ".initrd")
	if err := do(r.Nodebake, "initrd", "append", "--base", base, "--node", n.Name, "--key", filepath.Join(r.project.folder, "keys/sign.pub"),
		"-o", out, "--bundle", r.project.out()); err != nil {
		return booted{}, err
	}
	arguments, err := r.project.kernelArguments(n.Name)
	return booted{kernel: r.image("cloud-image", "kernel"), initrd: out, append: arguments + " cloud-init=disabled"}, err
}

// onDisk makes a machine boot from a disk, which stays as it is.
func (b booted) onDisk(disk string) booted {
	b.append = strings.TrimSpace("root=/dev/vda rw " + b.append)
	b.devices = append(b.devices, "-drive", "file="+disk+",format=raw,if=virtio,snapshot=on")
	return b
}

// bootDiskless: the system is an initramfs, and the overlay lies over it.
func (r *replay) bootDiskless(n *node) (booted, error) {
	root, err := r.unpackImage("diskless", leftOut...)
	if err != nil {
		return booted{}, err
	}
	base := r.memory("diskless.cpio")
	if err := do("sh", "-euc", `cd "$1"; find . | LC_ALL=C sort | cpio -o -H newc --quiet >"$2"`, "sh", root, base); err != nil {
		return booted{}, err
	}
	if err := os.RemoveAll(root); err != nil {
		return booted{}, err
	}
	with, err := r.appendOverlay(n, base)
	if err != nil {
		return with, fmt.Errorf("the overlay: %w", err)
	}
	return with, os.Remove(base)
}

// bootCopied: Debian's own initrd copies the overlay to the image's disk.
func (r *replay) bootCopied(n *node) (booted, error) {
	with, err := r.appendOverlay(n, r.image("cloud-image", "initrd"))
	return with.onDisk(r.image("cloud-image", "disk")), err
}

// bootTarball: the archives are unpacked into the image before its file system is made.
func (r *replay) bootTarball(n *node) (booted, error) {
	root, err := r.unpackImage("tarball")
	if err != nil {
		return booted{}, err
	}
	archives, err := r.project.payloads(n.Name, ".tar.gz")
	if err != nil {
		return booted{}, err
	}
	for _, archive := range archives {
		if err := do("tar", "-C", root, "-xpf", archive); err != nil {
			return booted{}, err
		}
	}
	disk := r.memory("tarball.disk")
	if err := do("mke2fs", "-q", "-t", "ext4", "-d", root, disk, "2G"); err != nil {
		return booted{}, err
	}
	with := booted{kernel: r.image("cloud-image", "kernel"), initrd: r.image("cloud-image", "initrd"), append: "cloud-init=disabled"}
	return with.onDisk(disk), os.RemoveAll(root)
}

// bootCloudInit: cloud-init of the image finds the seed on one CD, and the assets are on another, which is the same for all nodes.
func (r *replay) bootCloudInit(n *node) (booted, error) {
	images, err := r.project.payloads(n.Name, ".iso")
	if err == nil && len(images) != 2 {
		err = fmt.Errorf("%q are not the seed and the layer", images)
	}
	with := booted{kernel: r.image("cloud-image", "kernel"), initrd: r.image("cloud-image", "initrd")}.onDisk(r.image("cloud-image", "disk"))
	for _, image := range images {
		with.devices = append(with.devices, "-drive", "file="+image+",format=raw,if=virtio,readonly=on")
	}
	return with, err
}

// bootIgnition: the overlay of a live system brings config.ign to Debian's Ignition, which is in the image's initrd. QEMU's own device for
// configurations hands on some kilobytes a second, and this one holds a kubelet.
func (r *replay) bootIgnition(n *node) (booted, error) {
	with, err := r.appendOverlay(n, r.image("ignition-image", "initrd"))
	with.kernel = r.image("ignition-image", "kernel")
	return with.onDisk(r.image("ignition-image", "disk")), err
}

// payloads are the files of a node's entry in index.json whose names end so.
func (p *project) payloads(name, ending string) (found []string, err error) {
	text, err := os.ReadFile(p.out("index.json"))
	if err != nil {
		return nil, err
	}
	var index map[string]map[string]string
	if err := json.Unmarshal(text, &index); err != nil {
		return nil, err
	}
	for _, file := range index[name] {
		if strings.HasSuffix(file, ending) {
			found = append(found, p.out(file))
		}
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("index.json has no %s for %s", ending, name)
	}
	return found, nil
}
