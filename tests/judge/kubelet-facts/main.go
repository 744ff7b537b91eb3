// Kubelet-facts reads upstream's own Go types and writes what each minor version of Kubernetes lets a kubelet
// configuration say, and which labels its kubelet may set itself, as one table for nodebake. See README.md.
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
	flag.Parse()
	if err := run(*versions, *out); err != nil {
		fmt.Fprintln(os.Stderr, "kubelet-facts:", err)
		os.Exit(1)
	}
}

func run(versions, out string) error {
	patches, err := readVersions(versions)
	if err != nil {
		return err
	}
	table := newTable(patches)
	for _, patch := range patches {
		f, err := read(patch)
		if err != nil {
			return fmt.Errorf("v0.%s: %w", patch, err)
		}
		table.add(minor(patch), f)
	}
	return os.WriteFile(out, table.text(), 0o644)
}

func read(patch string) (*facts, error) {
	t := newTree(patch)
	f := &facts{structs: map[string]map[string]string{}, enums: map[string][]string{}, origin: map[string]string{}}
	p, err := t.load("k8s.io/kubelet/config/v1beta1")
	if err != nil {
		return nil, err
	}
	if _, err := t.named(f, p, "KubeletConfiguration"); err != nil {
		return nil, err
	}
	return f, t.labels(f)
}

// readVersions returns patches like "16.15", and refuses a gap: since and until would be wrong beside it.
func readVersions(path string) ([]string, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var patches []string
	for lines := bufio.NewScanner(file); lines.Scan(); {
		patch, is := strings.CutPrefix(strings.TrimSpace(lines.Text()), "v0.")
		if !is {
			return nil, fmt.Errorf("%s: %q is not v0.MINOR.PATCH", path, lines.Text())
		}
		if n := len(patches); n > 0 && minor(patch) != minor(patches[n-1])+1 {
			return nil, fmt.Errorf("%s: v0.%s does not follow v0.%s", path, patch, patches[n-1])
		}
		patches = append(patches, patch)
	}
	if len(patches) == 0 {
		return nil, fmt.Errorf("%s: no versions", path)
	}
	return patches, nil
}

func minor(patch string) int {
	text, _, _ := strings.Cut(patch, ".")
	number, err := strconv.Atoi(text)
	if err != nil {
		return -1
	}
	return number
}
