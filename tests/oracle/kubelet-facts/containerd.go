package main

import (
	"fmt"
	"go/ast"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
)

// plugins are the modules in which the CRI plugin was before 1.5. Of 1.4 it is the one that its branch began with; its types are those of 1.4.13.
var plugins = map[string]string{"1.3.10": "v1.19.0", "1.4.13": "v1.19.0"}

// addedIn4 is what the types of 1.4 have and those of 1.3 (github.com/containerd/cri, branch release/1.3, ca9c5533489d) have not: no version of
// that branch is at the module proxy.
var addedIn4 = map[string][]string{
	"ContainerdConfig": {"disable_snapshot_annotations", "discard_unpacked_layers"},
	"PluginConfig": {
		"disable_hugetlb_controller", "ignore_image_defined_volumes", "image_decryption", "selinux_category_range",
		"tolerate_missing_hugetlb_controller", "unset_seccomp_profile",
	},
	"Registry": {"headers"},
	"Runtime":  {"base_runtime_spec", "container_annotations"},
}

// runtimes are releases of containerd, oldest first, one for each minor. The table counts them: 1.5 is 5, 1.7 is 7, 2.0 is 8, 2.1 is 9.
var runtimes = []string{"1.3.10", "1.4.13", "1.5.18", "1.6.38", "1.7.27", "2.0.5", "2.1.4", "2.2.0", "2.3.0", "2.4.2"}

// roots are the types of the CRI plugins' tables: of the one plugin in files of version 2, of the three in files of version 3.
var roots = []string{"PluginConfig", "ImageConfig", "RuntimeConfig", "ServerConfig"}

func runtimeNumber(release string) int {
	parts := strings.Split(release, ".")
	second, _ := strconv.Atoi(parts[1])
	if parts[0] == "1" {
		return second
	}
	return 8 + second
}

// writeRuntimes writes what the tables of containerd's CRI plugins may hold.
func writeRuntimes(path string) error {
	var releases []release
	for _, one := range runtimes {
		releases = append(releases, release{strconv.Itoa(runtimeNumber(one)) + ".0", one})
	}
	all := newTable(releases)
	all.patches = runtimes
	for _, one := range runtimes {
		facts, err := runtime(one)
		if err != nil {
			return fmt.Errorf("containerd %s: %w", one, err)
		}
		all.add(runtimeNumber(one), facts)
	}
	text := strings.Replace(string(all.text()), "k8s.io/kubelet v0."+strings.Join(runtimes, " v0."), "containerd v"+strings.Join(runtimes, " v"), 1)
	return os.WriteFile(path, []byte(text), 0o644)
}

func runtime(version string) (*facts, error) {
	module, folder := "github.com/containerd/containerd", "pkg/cri/config"
	if !strings.HasPrefix(version, "1.") {
		module, folder = module+"/v2", "internal/cri/config"
	}
	release := "v" + version
	if plugin, is := plugins[version]; is {
		module, folder, release = "github.com/containerd/cri", "pkg/config", plugin
	}
	root, err := download(module, release)
	if err != nil {
		return nil, err
	}
	p, err := parse(module+"/"+folder, filepath.Join(root, folder))
	if err != nil {
		return nil, err
	}
	f := &facts{structs: map[string]map[string]string{}, enums: map[string][]string{}, origin: map[string]string{}}
	for _, name := range roots {
		if _, known := p.types[name]; known {
			if _, err := tomlNamed(f, p, name); err != nil {
				return nil, err
			}
		}
	}
	if version == "1.3.10" {
		delete(f.structs, "ImageDecryption")
		for name, keys := range addedIn4 {
			for _, key := range keys {
				if _, is := f.structs[name][key]; !is {
					return nil, fmt.Errorf("%s.%s is not there in 1.4", name, key)
				}
				delete(f.structs[name], key)
			}
		}
	}
	return f, nil
}

func tomlNamed(f *facts, p *pkg, name string) (string, error) {
	found, known := p.types[name]
	if !known {
		return "", fmt.Errorf("%s is not declared", name)
	}
	structure, is := found.expr.(*ast.StructType)
	if !is {
		return tomlKind(f, p, found.expr)
	}
	if _, done := f.structs[name]; !done {
		f.structs[name] = map[string]string{}
		return name, tomlFields(f, p, structure, f.structs[name])
	}
	return name, nil
}

func tomlFields(f *facts, p *pkg, structure *ast.StructType, into map[string]string) error {
	for _, field := range structure.Fields.List {
		key := tomlTag(field)
		if len(field.Names) == 0 && key == "" { // embedded: go-toml reads its fields as ours
			name, is := field.Type.(*ast.Ident)
			inner, known := p.types[fmt.Sprint(name)]
			other, isStruct := inner.expr.(*ast.StructType)
			if !is || !known || !isStruct {
				return fmt.Errorf("an embedded type is unknown: %v", field.Type)
			}
			if err := tomlFields(f, p, other, into); err != nil {
				return err
			}
			continue
		}
		if key == "" || key == "-" {
			continue // written by containerd itself
		}
		kind, err := tomlKind(f, p, field.Type)
		if err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
		into[key] = kind
	}
	return nil
}

func tomlKind(f *facts, p *pkg, expr ast.Expr) (string, error) {
	switch expr := expr.(type) {
	case *ast.StarExpr:
		return tomlKind(f, p, expr.X)
	case *ast.ArrayType:
		element, err := tomlKind(f, p, expr.Elt)
		return "list<" + element + ">", err
	case *ast.MapType:
		element, err := tomlKind(f, p, expr.Value)
		return "map<" + element + ">", err
	case *ast.InterfaceType:
		return "any", nil
	case *ast.SelectorExpr:
		return "any", nil // toml.Tree, http.Header: read by others
	case *ast.Ident:
		if expr.Name == "any" {
			return "any", nil
		}
		if name, is := basic[expr.Name]; is {
			return name, nil
		}
		return tomlNamed(f, p, expr.Name)
	}
	return "", fmt.Errorf("a type of kind %T is unknown to this program", expr)
}

func tomlTag(field *ast.Field) string {
	if field.Tag == nil {
		return ""
	}
	raw, err := strconv.Unquote(field.Tag.Value)
	if err != nil {
		return ""
	}
	key, _, _ := strings.Cut(reflect.StructTag(raw).Get("toml"), ",")
	return key
}
