package main

import (
	"bytes"
	"fmt"
	"sort"
	"strconv"
	"strings"
)

// span says what a name means from one minor to another; `last` is the newest minor seen so far.
type span struct {
	kind        string
	first, last int
}

// table holds group → member → spans: a struct's fields, an enumeration's values, a set's members.
type table struct {
	patches        []string // for people: what was read
	oldest, newest int
	structs        map[string]map[string][]span
	enums          map[string]map[string][]span
	sets           map[string]map[string][]span
}

func newTable(releases []release) *table {
	var patches []string
	for _, one := range releases {
		patches = append(patches, one.patch)
	}
	oldest, newest := minor(patches[0]), minor(patches[len(patches)-1])
	empty := func() map[string]map[string][]span { return map[string]map[string][]span{} }
	return &table{patches, oldest, newest, empty(), empty(), empty()}
}

func (t *table) add(minor int, f *facts) {
	for name, fields := range f.structs {
		for key, kind := range fields {
			put(t.structs, name, key, kind, minor)
		}
	}
	for name, values := range f.enums {
		for _, value := range values {
			put(t.enums, name, value, "", minor)
		}
	}
	for _, label := range f.labels {
		put(t.sets, "selfLabels", label, "", minor)
	}
	for name, kind := range f.flags {
		put(t.sets, "flags", name, kind, minor)
	}
	for name, field := range f.flagFields {
		put(t.sets, "flagFields", name, field, minor)
	}
	for name := range f.deprecated {
		put(t.sets, "deprecatedFlags", name, "", minor)
	}
	for name, stage := range f.gates {
		put(t.sets, "featureGates", name, stage, minor)
	}
	for name, needed := range f.gateNeeds {
		put(t.sets, "featureGateNeeds", name, needed, minor)
	}
	for _, space := range f.spaces {
		put(t.sets, "selfLabelNamespaces", space, "", minor)
	}
}

func put(into map[string]map[string][]span, group, member, kind string, minor int) {
	if into[group] == nil {
		into[group] = map[string][]span{}
	}
	spans := into[group][member]
	if n := len(spans); n > 0 && spans[n-1].last == minor-1 && spans[n-1].kind == kind {
		spans[n-1].last = minor
		return
	}
	into[group][member] = append(spans, span{kind, minor, minor})
}

// text writes the table: sorted, one member a line, so that a new minor shows as a short diff. A span without a last
// minor holds in the newest one.
func (t *table) text() []byte {
	var out bytes.Buffer
	newest := t.newest
	fmt.Fprintf(&out, "{\n\"source\": \"k8s.io/kubelet v0.%s\",\n", strings.Join(t.patches, " v0."))
	fmt.Fprintf(&out, "\"minors\": [%d, %d],\n", t.oldest, newest)
	for _, name := range sorted(t.sets) {
		fmt.Fprintf(&out, "%s: ", strconv.Quote(name))
		members(&out, t.sets[name], newest)
		out.WriteString(",\n")
	}
	groups(&out, "enums", t.enums, newest)
	out.WriteString(",\n")
	groups(&out, "structs", t.structs, newest)
	out.WriteString("\n}\n")
	return out.Bytes()
}

func groups(out *bytes.Buffer, title string, all map[string]map[string][]span, newest int) {
	fmt.Fprintf(out, "%s: {", strconv.Quote(title))
	for i, name := range sorted(all) {
		if i > 0 {
			out.WriteByte(',')
		}
		fmt.Fprintf(out, "\n%s: ", strconv.Quote(name))
		members(out, all[name], newest)
	}
	out.WriteString("\n}")
}

func members(out *bytes.Buffer, all map[string][]span, newest int) {
	out.WriteByte('{')
	for i, name := range sorted(all) {
		if i > 0 {
			out.WriteByte(',')
		}
		fmt.Fprintf(out, "\n  %s: [", strconv.Quote(name))
		for j, one := range all[name] {
			if j > 0 {
				out.WriteString(", ")
			}
			fmt.Fprintf(out, "[%s, %d", strconv.Quote(one.kind), one.first)
			if one.last != newest {
				fmt.Fprintf(out, ", %d", one.last)
			}
			out.WriteByte(']')
		}
		out.WriteByte(']')
	}
	out.WriteByte('}')
}

func sorted[V any](all map[string]V) []string {
	names := make([]string, 0, len(all))
	for name := range all {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}
