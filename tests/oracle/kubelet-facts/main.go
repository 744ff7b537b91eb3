// Kubelet-facts reads upstream's own Go types and writes what each minor version of Kubernetes lets a kubelet
// configuration say, and which labels, flags and feature gates its kubelet knows, as one table for nodebake. See README.md.
package main

import (
	"bufio"
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"
)

func main() {
	versions := flag.String("versions", "versions.txt", "one release of k8s.io/kubelet a line, oldest first")
	out := flag.String("out", "../../../src/kubernetes/kubelet_config.json", "the table to write")
	starts := flag.String("starts", "../../fixtures/kubelet-start/sites.txt", "the list of what kubelets end over when they start to write")
	pods := flag.String("pods", "../../../src/kubernetes/pod.json", "the table of what a Pod may hold to write")
	runtimes := flag.String("containerd", "../../../src/kubernetes/containerd.json", "the table of containerd's CRI plugins to write")
	flag.Parse()
	if err := writeRuntimes(*runtimes); err != nil {
		fmt.Fprintln(os.Stderr, "kubelet-facts:", err)
		os.Exit(1)
	}
	if err := run(*versions, *out, *starts, *pods); err != nil {
		fmt.Fprintln(os.Stderr, "kubelet-facts:", err)
		os.Exit(1)
	}
}

// release is one line of versions.txt.
type release struct{ patch, binaries string }

func run(versions, out, starts, pods string) error {
	releases, err := readVersions(versions)
	if err != nil {
		return err
	}
	table, podTable := newTable(releases), newTable(releases)
	var started []map[string]bool
	for _, one := range releases {
		f, err := read(one)
		if err != nil {
			return fmt.Errorf("v0.%s: %w", one.patch, err)
		}
		table.add(minor(one.patch), f)
		pod, err := newTree(one).pod()
		if err != nil {
			return fmt.Errorf("v0.%s: %w", one.patch, err)
		}
		podTable.add(minor(one.patch), pod)
		sites, err := newTree(one).starting()
		if err != nil {
			return fmt.Errorf("v0.%s: %w", one.patch, err)
		}
		started = append(started, sites)
	}
	if err := writeStarts(starts, minor(releases[0].patch), started); err != nil {
		return err
	}
	if err := os.WriteFile(pods, podTable.text(), 0o644); err != nil {
		return err
	}
	return os.WriteFile(out, table.text(), 0o644)
}

func read(one release) (*facts, error) {
	t := newTree(one)
	f := &facts{
		structs: map[string]map[string]string{}, enums: map[string][]string{}, origin: map[string]string{}, flags: map[string]string{},
		flagFields: map[string]string{}, deprecated: map[string]bool{}, gates: map[string]string{}, gateNeeds: map[string]string{},
	}
	p, err := t.load("k8s.io/kubelet/config/v1beta1")
	if err != nil {
		return nil, err
	}
	if _, err := t.named(f, p, "KubeletConfiguration"); err != nil {
		return nil, err
	}
	if err := t.labels(f); err != nil {
		return nil, err
	}
	if err := t.flags(f); err != nil {
		return nil, err
	}
	return f, t.gates(f)
}

// readVersions refuses a gap: since and until would be wrong beside it.
func readVersions(path string) ([]release, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var releases []release
	for lines := bufio.NewScanner(file); lines.Scan(); {
		types, binaries, _ := strings.Cut(strings.TrimSpace(lines.Text()), " v1.")
		patch, is := strings.CutPrefix(types, "v0.")
		if binaries == "" {
			binaries = patch
		}
		if !is || minor(patch) != minor(binaries) {
			return nil, fmt.Errorf("%s: %q is not v0.MINOR.PATCH or v0.MINOR.PATCH v1.MINOR.PATCH", path, lines.Text())
		}
		if n := len(releases); n > 0 && minor(patch) != minor(releases[n-1].patch)+1 {
			return nil, fmt.Errorf("%s: v0.%s does not follow v0.%s", path, patch, releases[n-1].patch)
		}
		releases = append(releases, release{patch, binaries})
	}
	if len(releases) == 0 {
		return nil, fmt.Errorf("%s: no versions", path)
	}
	return releases, nil
}

func minor(patch string) int {
	text, _, _ := strings.Cut(patch, ".")
	number, err := strconv.Atoi(text)
	if err != nil {
		return -1
	}
	return number
}
