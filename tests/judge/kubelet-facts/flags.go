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
	f.flags = map[string]string{"help": "bool", "version": "string", "log-flush-frequency": "duration"}
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
	return t.declared(f, p)
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
	f.flags[strings.ReplaceAll(value, "_", "-")] = kind // the kubelet takes both, and prints the dash
	return nil
}
