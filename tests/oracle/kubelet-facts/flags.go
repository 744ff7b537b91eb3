package main

import (
	"fmt"
	"go/ast"
	"os"
	"path/filepath"
	"strings"
)

// takes names what a flag takes, by the method that declares it. Flags of types of their own take any text.
var takes = map[string]string{
	"BoolVar": "bool", "BoolVarP": "bool", "StringVar": "string", "StringVarP": "string", "StringSliceVar": "string", "StringArrayVar": "string",
	"IntVar": "int64", "Int32Var": "int32", "Int64Var": "int64", "UintVar": "uint64", "Uint32Var": "uint32", "Uint64Var": "uint64",
	"Float32Var": "float", "Float64Var": "float", "DurationVar": "duration", "Var": "string", "VarP": "string", "IPVar": "string",
}

// registers are the kubelet's own functions that take over a flag which another package has declared; it is their third argument.
var registers = map[string]bool{"register": true, "registerDeprecated": true, "pflagRegister": true}

// flags collects the names that a Linux kubelet of this release knows on its command line.
func (t *tree) flags(f *facts) error {
	// Declared by calls that are not of the forms below, in every release: server.go, verflag, component-base's logs.
	for name, kind := range map[string]string{"help": "bool", "version": "string", "log-flush-frequency": "duration"} {
		f.flags[name] = kind
	}
	for _, path := range []string{"k8s.io/kubernetes/cmd/kubelet/app/options", "k8s.io/kubernetes/pkg/kubelet/config", "k8s.io/component-base/logs"} {
		if err := t.flagsOf(f, path); err != nil {
			return err
		}
	}
	base, err := t.module("k8s.io/component-base")
	if err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(base, "logs/api/v1/options.go")); err == nil {
		if err := t.flagsOf(f, "k8s.io/component-base/logs/api/v1"); err != nil {
			return err
		}
	}
	if source, err := os.ReadFile(filepath.Join(base, "logs/klogflags/klogflags.go")); err == nil {
		// Since 1.26 only these two of klog's own are taken over; anything else must be looked at by a person.
		if !strings.Contains(string(source), `case "v", "vmodule":`) {
			return fmt.Errorf("logs/klogflags takes over other flags than v and vmodule: say which in flags.go")
		}
		f.flags["vmodule"] = "string"
	} else if err := t.klog(f); err != nil {
		return err
	}
	f.flags["v"] = "int32" // a type of klog's own
	return nil
}

// klog adds all flags of the klog release that the kubelet is built with: `InitFlags` declares them all.
func (t *tree) klog(f *facts) error {
	p, err := t.load("k8s.io/klog/v2")
	if err != nil {
		if p, err = t.load("k8s.io/klog"); err != nil {
			return err
		}
	}
	declared := &facts{flags: map[string]string{}, flagFields: map[string]string{}, deprecated: map[string]bool{}}
	if err := t.declared(declared, p); err != nil {
		return err
	}
	for name, kind := range declared.flags {
		f.flags[name] = kind
		// component-base's logs package goes over all of them with a list of what stays (from 1.23 on).
		if minor(t.patch) >= 23 && !staysFlag[name] {
			f.deprecated[name] = true
		}
	}
	return nil
}

func (t *tree) flagsOf(f *facts, path string) error {
	p, err := t.load(path)
	if err != nil {
		return err
	}
	return t.declared(f, p)
}

// declared finds the calls that declare or take over a flag, in files that a Linux build uses.
func (t *tree) declared(f *facts, p *pkg) error {
	var failed error
	for name, file := range p.files {
		if strings.HasSuffix(name, "_windows.go") || strings.HasSuffix(name, "_other.go") || strings.HasSuffix(name, "_others.go") ||
			strings.HasSuffix(name, "_providerless.go") {
			continue
		}
		ast.Inspect(file, func(node ast.Node) bool {
			if call, is := node.(*ast.CallExpr); is {
				if err := t.declaration(f, p, file, call); err != nil && failed == nil {
					failed = fmt.Errorf("%s: %w", name, err)
				}
			}
			return true
		})
	}
	return failed
}

func (t *tree) declaration(f *facts, p *pkg, file *ast.File, call *ast.CallExpr) error {
	kind, name := "", ast.Expr(nil)
	switch function := call.Fun.(type) {
	case *ast.SelectorExpr:
		if takes[function.Sel.Name] != "" && len(call.Args) >= 3 {
			kind, name = takes[function.Sel.Name], call.Args[1]
		}
		if function.Sel.Name == "MarkDeprecated" && len(call.Args) == 2 {
			if value, err := t.text(p, file, call.Args[0]); err == nil { // else a loop over names: they are ends in themselves
				f.deprecated[value] = true
			}
		}
	case *ast.Ident:
		if registers[function.Name] && len(call.Args) >= 3 {
			kind, name = "string", call.Args[2]
		}
	}
	if name == nil {
		return nil
	}
	switch name := name.(type) {
	case *ast.SelectorExpr:
		if name.Sel.Name == "Name" { // passes on a flag that is declared elsewhere: f.Name
			return nil
		}
	case *ast.Ident:
		if _, constant := p.constants[name.Name]; !constant { // a wrapper's own parameter
			return nil
		}
	}
	value, err := t.text(p, file, name)
	if err != nil {
		return err
	}
	value = strings.ReplaceAll(value, "_", "-") // the kubelet takes both, and prints the dash
	f.flags[value] = kind
	if function, is := call.Fun.(*ast.Ident); is && function.Name == "registerDeprecated" {
		f.deprecated[value] = true
	}
	return t.bound(f, p, value, call.Args[0])
}

// staysFlag are flags that set fields and are not deprecated by it (AddKubeletConfigFlags says so).
var staysFlag = map[string]bool{"v": true, "vmodule": true, "log-flush-frequency": true}

// bound finds the field that a flag of AddKubeletConfigFlags sets: its first argument holds `c.Field`, c being the configuration. All those
// flags are deprecated in favour of the file.
func (t *tree) bound(f *facts, p *pkg, flag string, target ast.Expr) error {
	above := []string{}
	switch {
	case staysFlag[flag]:
		return nil
	case p.path == "k8s.io/kubernetes/cmd/kubelet/app/options":
	case strings.HasPrefix(p.path, "k8s.io/component-base/logs") && minor(t.patch) > 21: // BindLoggingFlags(&c.Logging, …) since then
		above = append(above, "Logging")
	default:
		return nil
	}
	var names []string
	ast.Inspect(target, func(node ast.Node) bool {
		selector, is := node.(*ast.SelectorExpr)
		if !is || len(names) > 0 {
			return len(names) == 0
		}
		names = selected(selector, "c")
		return len(names) == 0
	})
	if len(names) == 0 {
		return nil
	}
	types, err := t.load("k8s.io/kubelet/config/v1beta1")
	if err != nil {
		return err
	}
	path, err := t.jsonPath(types, "KubeletConfiguration", append(above, names...))
	if err != nil {
		return fmt.Errorf("--%s: %w", flag, err)
	}
	f.flagFields[flag] = path
	f.deprecated[flag] = true
	return nil
}

// selected takes `c.A.B` apart, if it starts with that name.
func selected(selector *ast.SelectorExpr, root string) []string {
	switch inner := selector.X.(type) {
	case *ast.Ident:
		if inner.Name == root {
			return []string{selector.Sel.Name}
		}
	case *ast.SelectorExpr:
		if names := selected(inner, root); names != nil {
			return append(names, selector.Sel.Name)
		}
	}
	return nil
}

// jsonPath follows Go's names of fields through the types that are read from JSON. What upstream's code calls by another name there is an
// error, except the number inside a duration.
func (t *tree) jsonPath(p *pkg, name string, names []string) (string, error) {
	structure, is := p.types[name].expr.(*ast.StructType)
	if !is {
		return "", fmt.Errorf("%s.%s is no struct", p.path, name)
	}
	for _, field := range structure.Fields.List {
		if len(field.Names) == 0 { // embedded: its fields are ours
			if path, err := t.jsonPath(p, typeName(field.Type), names); err == nil {
				return path, nil
			}
		}
		if len(field.Names) != 1 || field.Names[0].Name != names[0] {
			continue
		}
		key, _ := jsonTag(field)
		if len(names) == 1 || names[1] == "Duration" {
			return key, nil
		}
		other := p
		if selector, is := field.Type.(*ast.SelectorExpr); is {
			path, err := t.imported(p.types[name].file, selector.X.(*ast.Ident).Name)
			if err != nil {
				return "", err
			}
			if other, err = t.load(path); err != nil {
				return "", err
			}
		}
		rest, err := t.jsonPath(other, typeName(field.Type), names[1:])
		return key + "." + rest, err
	}
	return "", fmt.Errorf("%s has no field %s", name, names[0])
}
