package main

import (
	"fmt"
	"go/ast"
	"os"
	"path/filepath"
	"sort"
)

// labels reads the label keys and namespaces that a kubelet may set on its own Node. Before v0.21 the file is not in
// k8s.io/kubelet but in k8s.io/kubernetes.
func (t *tree) labels(f *facts) error {
	path := "k8s.io/kubelet/pkg/apis"
	root, err := t.module("k8s.io/kubelet")
	if err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(root, "pkg/apis/well_known_labels.go")); err != nil {
		path = "k8s.io/kubernetes/pkg/kubelet/apis"
	}
	p, err := t.load(path)
	if err != nil {
		return err
	}
	if f.labels, err = t.set(p, "kubeletLabels"); err != nil {
		return err
	}
	f.spaces, err = t.set(p, "kubeletLabelNamespaces")
	return err
}

// set evaluates `sets.NewString(…)`.
func (t *tree) set(p *pkg, name string) ([]string, error) {
	variable, known := p.variables[name]
	call, is := variable.expr.(*ast.CallExpr)
	if !known || !is || len(call.Args) == 0 {
		return nil, fmt.Errorf("%s.%s is not a set of strings", p.path, name)
	}
	var values []string
	for _, argument := range call.Args {
		value, err := t.text(p, variable.file, argument)
		if err != nil {
			return nil, fmt.Errorf("%s.%s: %w", p.path, name, err)
		}
		values = append(values, value)
	}
	sort.Strings(values)
	return values, nil
}
