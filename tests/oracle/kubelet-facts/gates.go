package main

import (
	"fmt"
	"go/ast"
	"go/token"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
)

// gatePackages declare the feature gates that a kubelet knows. Those that a release lacks are left out.
var gatePackages = []string{
	"k8s.io/kubernetes/pkg/features", "k8s.io/apiserver/pkg/features", "k8s.io/client-go/features", "k8s.io/component-base/featuregate",
	"k8s.io/component-base/logs", "k8s.io/component-base/logs/api/v1", "k8s.io/component-base/metrics/features", "k8s.io/component-base/zpages/features",
}

// gateMaps are the types of the variables in which a package keeps its gates: what it holds is known by its type.
var gateMaps = map[string]bool{"FeatureSpec": true, "VersionedSpecs": true}

// gates collects every gate as "stage default": "beta+", "alpha-", and "!" behind it where the default is locked; and which gates one needs.
func (t *tree) gates(f *facts) error {
	packages := gatePackages
	if minor(t.patch) >= 31 { // cloud-provider's options, which are linked into the kubelet, register those since then
		packages = append(packages[:len(packages):len(packages)], "k8s.io/controller-manager/pkg/features")
	}
	for _, path := range packages {
		p, err := t.load(path)
		if err != nil {
			continue // main checks that the big one was there
		}
		var failed error
		for name, file := range p.files {
			ast.Inspect(file, func(node ast.Node) bool {
				literal, is := node.(*ast.CompositeLit)
				if !is {
					return true
				}
				mapped, is := literal.Type.(*ast.MapType)
				if !is {
					return true
				}
				err := t.gateMap(f, p, file, mapped, literal)
				if err != nil && failed == nil {
					failed = fmt.Errorf("%s: %w", filepath.Base(name), err)
				}
				return true
			})
		}
		if failed != nil {
			return failed
		}
	}
	if len(f.gates) < 50 {
		return fmt.Errorf("only %d feature gates: where are they declared now? See gates.go", len(f.gates))
	}
	return nil
}

func (t *tree) gateMap(f *facts, p *pkg, file *ast.File, mapped *ast.MapType, literal *ast.CompositeLit) error {
	list, isList := mapped.Value.(*ast.ArrayType)
	needs := isList && typeName(list.Elt) == "Feature" && typeName(mapped.Key) == "Feature"
	if !gateMaps[typeName(mapped.Value)] && !needs {
		return nil
	}
	for _, element := range literal.Elts {
		entry := element.(*ast.KeyValueExpr)
		name, err := t.text(p, file, entry.Key)
		if err != nil {
			return err
		}
		value, is := entry.Value.(*ast.CompositeLit)
		switch {
		case !is:
			return fmt.Errorf("gate %s: %T is not what a gate looked like so far", name, entry.Value)
		case needs:
			err = t.needs(f, p, file, name, value)
		case typeName(mapped.Value) == "FeatureSpec":
			f.gates[name], err = gate(p, value)
		default:
			err = t.versionedGate(f, p, name, value)
		}
		if err != nil {
			return fmt.Errorf("gate %s: %w", name, err)
		}
	}
	return nil
}

func typeName(expr ast.Expr) string {
	switch expr := expr.(type) {
	case *ast.Ident:
		return expr.Name
	case *ast.SelectorExpr:
		return expr.Sel.Name
	}
	return ""
}

func (t *tree) needs(f *facts, p *pkg, file *ast.File, name string, list *ast.CompositeLit) error {
	var needed []string
	for _, element := range list.Elts {
		other, err := t.text(p, file, element)
		if err != nil {
			return err
		}
		needed = append(needed, other)
	}
	if len(needed) > 0 {
		sort.Strings(needed)
		f.gateNeeds[name] = strings.Join(needed, " ")
	}
	return nil
}

// versionedGate takes the newest of the specs that this release has reached.
func (t *tree) versionedGate(f *facts, p *pkg, name string, specs *ast.CompositeLit) error {
	reached := -1
	for _, element := range specs.Elts {
		spec := element.(*ast.CompositeLit)
		since, err := gateVersion(spec, "Version")
		if err != nil {
			return err
		}
		// A kubelet is compatible with the minor before its own unless it is told otherwise.
		compatible, err := gateVersion(spec, "MinCompatibilityVersion")
		if err == nil && compatible >= minor(t.patch) || since > minor(t.patch) || since < reached {
			continue
		}
		if f.gates[name], err = gate(p, spec); err != nil {
			return err
		}
		reached = since
	}
	return nil
}

// gateVersion reads a field like `version.MustParse("1.34")`, a minor.
func gateVersion(spec *ast.CompositeLit, field string) (int, error) {
	for _, element := range spec.Elts {
		entry := element.(*ast.KeyValueExpr)
		if entry.Key.(*ast.Ident).Name != field {
			continue
		}
		call, is := entry.Value.(*ast.CallExpr)
		if !is || len(call.Args) == 0 {
			return 0, fmt.Errorf("a version of kind %T is unknown to this program", entry.Value)
		}
		if literal, is := call.Args[0].(*ast.BasicLit); is && literal.Kind == token.STRING {
			text, err := strconv.Unquote(literal.Value)
			if err != nil {
				return 0, err
			}
			return minor(strings.TrimPrefix(text, "1.")), nil
		}
		// version.MajorMinor(1, 34)
		if literal, is := call.Args[len(call.Args)-1].(*ast.BasicLit); is && literal.Kind == token.INT {
			return strconv.Atoi(literal.Value)
		}
	}
	return 0, fmt.Errorf("a spec without a %s that this program can read", field)
}

func gate(p *pkg, spec *ast.CompositeLit) (string, error) {
	stage, on, locked := "alpha", "-", ""
	for _, element := range spec.Elts {
		entry, is := element.(*ast.KeyValueExpr)
		if !is {
			return "", fmt.Errorf("fields without names")
		}
		value := typeName(entry.Value)
		switch key := entry.Key.(*ast.Ident).Name; key {
		case "Default":
			if constant, is := p.constants[value]; is { // contextualLoggingDefault
				value = typeName(constant.expr)
			}
			switch value {
			case "true":
				on = "+"
			case "false":
			default:
				return "", fmt.Errorf("a default of kind %T is unknown to this program", entry.Value)
			}
		case "LockToDefault":
			if value == "true" {
				locked = "!"
			}
		case "PreRelease":
			if value == "" { // the constants are Alpha, Beta, GA, Deprecated and PreAlpha; GA is also written ""
				value = "GA"
			}
			stage = strings.ToLower(value)
		case "Version", "MinCompatibilityVersion":
		default:
			return "", fmt.Errorf("the field %s is unknown to this program", key)
		}
	}
	return stage + on + locked, nil
}
