package main

import (
	"fmt"
	"os"
	"strings"
)

// cameToReady are the steps that a node is counted by, of replays and of virtual machines.
var cameToReady = []string{"ready-with-cni", "vm-ready"}

// joined says how many nodes of each format came to Ready in each version.
func joined(versions []string, steps []step) string {
	var lines []string
	for _, version := range versions {
		var formats []string
		nodes := map[string]int{}
		for _, s := range steps {
			if s.Version != version || !contains(cameToReady, s.Name) || !s.Good {
				continue
			}
			if nodes[s.Format]++; nodes[s.Format] == 1 {
				formats = append(formats, s.Format)
			}
		}
		for i, format := range formats {
			formats[i] = fmt.Sprintf("%d %s", nodes[format], format)
		}
		lines = append(lines, version+": "+strings.Join(formats, ", "))
	}
	return "Nodes that came to Ready: " + strings.Join(lines, "; ") + "."
}

// writeTable writes what was proven as Markdown: one line a step, one column a version, in each the formats that it was proven for. Before it
// stands how many nodes of each format there were.
func writeTable(path string, steps []step) error {
	var names, versions []string
	proven := map[string]map[string][]string{}
	failed := map[string]map[string]bool{}
	expected := map[string]string{}
	for _, s := range steps {
		if !contains(names, s.Name) {
			names = append(names, s.Name)
			proven[s.Name], failed[s.Name] = map[string][]string{}, map[string]bool{}
			expected[s.Name] = s.Expected
		}
		if !contains(versions, s.Version) {
			versions = append(versions, s.Version)
		}
		if !contains(proven[s.Name][s.Version], s.Format) {
			proven[s.Name][s.Version] = append(proven[s.Name][s.Version], s.Format)
		}
		failed[s.Name][s.Version] = failed[s.Name][s.Version] || !s.Good
	}
	var text strings.Builder
	fmt.Fprintf(&text, "%s\n\n", joined(versions, steps))
	fmt.Fprintf(&text, "| step | %s |\n|---|%s\n", strings.Join(versions, " | "), strings.Repeat("---|", len(versions)))
	for _, name := range names {
		fmt.Fprintf(&text, "| %s |", name)
		for _, version := range versions {
			cell := strings.Join(proven[name][version], ", ")
			if failed[name][version] {
				cell = "FAILED: " + cell
			}
			fmt.Fprintf(&text, " %s |", cell)
		}
		text.WriteString("\n")
	}
	return os.WriteFile(path, []byte(text.String()), 0o644)
}
