package main

import (
	"fmt"
	"go/ast"
	"reflect"
	"sort"
	"strconv"
	"strings"
)

// facts is what one release says: struct → field → kind, enumeration → its values, the labels of labels.go and the
// flags of flags.go.
type facts struct {
	structs map[string]map[string]string
	enums   map[string][]string
	origin  map[string]string // struct or enumeration → package: two of one name would be mixed up
	labels  []string
	spaces  []string
	flags   map[string]string // name → what it takes

	flagFields map[string]string // flag → the field of the configuration that it sets
	deprecated map[string]bool   // flags that are to go
	gates      map[string]string // feature gate → stage and default
	gateNeeds  map[string]string // feature gate → gates that must be on with it
}

// decoders are the types that read their JSON themselves, with what they read.
var decoders = map[string]string{
	"k8s.io/apimachinery/pkg/apis/meta/v1.Duration":            "duration",
	"k8s.io/apimachinery/pkg/apis/meta/v1.Time":                "time",
	"k8s.io/apimachinery/pkg/apis/meta/v1.MicroTime":           "time",
	"k8s.io/apimachinery/pkg/apis/meta/v1.FieldsV1":            "any",
	"k8s.io/apimachinery/pkg/util/intstr.IntOrString":          "intOrString",
	"k8s.io/apimachinery/pkg/api/resource.Quantity":            "quantity",
	"k8s.io/apimachinery/pkg/api/resource.QuantityValue":       "quantity",
	"k8s.io/component-base/logs/api/v1.TimeOrMetaDuration":     "durationOrNanoseconds",
	"k8s.io/component-base/config/v1alpha1.TimeOrMetaDuration": "durationOrNanoseconds",
}

// basic are Go's own types, with the name that the table gives them.
var basic = map[string]string{
	"bool": "bool", "string": "string", "int": "int64", "int32": "int32", "int64": "int64",
	"uint32": "uint32", "uint64": "uint64", "float32": "float", "float64": "float",
}

// kind names what a type reads, and collects the structs and enumerations that it leads to.
func (t *tree) kind(f *facts, p *pkg, file *ast.File, expr ast.Expr) (string, error) {
	switch expr := expr.(type) {
	case *ast.StarExpr:
		return t.kind(f, p, file, expr.X)
	case *ast.ArrayType:
		element, err := t.kind(f, p, file, expr.Elt)
		return "list<" + element + ">", err
	case *ast.MapType:
		element, err := t.kind(f, p, file, expr.Value)
		return "map<" + element + ">", err
	case *ast.Ident:
		if name, is := basic[expr.Name]; is {
			return name, nil
		}
		return t.named(f, p, expr.Name)
	case *ast.SelectorExpr:
		path, err := t.imported(file, expr.X.(*ast.Ident).Name)
		if err != nil {
			return "", err
		}
		if path == "time" && expr.Sel.Name == "Duration" {
			return "int64", nil // plain JSON: a number of nanoseconds
		}
		other, err := t.load(path)
		if err != nil {
			return "", err
		}
		return t.named(f, other, expr.Sel.Name)
	}
	return "", fmt.Errorf("%s: a type of kind %T is unknown to this program", p.path, expr)
}

func (t *tree) named(f *facts, p *pkg, name string) (string, error) {
	full := p.path + "." + name
	if read, known := decoders[full]; known {
		return read, nil
	}
	if p.decodes[name] {
		return "", fmt.Errorf("%s reads its JSON itself: say in fields.go what it reads", full)
	}
	found, known := p.types[name]
	if !known {
		return "", fmt.Errorf("%s is not declared", full)
	}
	structure, is := found.expr.(*ast.StructType)
	if !is {
		underlying, err := t.kind(f, p, found.file, found.expr)
		if err != nil || underlying != "string" || len(p.enums[name]) == 0 {
			return underlying, err
		}
		values := append([]string(nil), p.enums[name]...)
		sort.Strings(values)
		f.enums[name] = values
		return name, f.claim(name, p.path)
	}
	if err := f.claim(name, p.path); err != nil {
		return "", err
	}
	if _, done := f.structs[name]; done {
		return name, nil
	}
	f.structs[name] = map[string]string{}
	return name, t.fields(f, p, found.file, structure, f.structs[name])
}

// claim refuses two types of one name from different packages, which the table could not tell apart.
func (f *facts) claim(name, path string) error {
	if other, known := f.origin[name]; known && other != path {
		return fmt.Errorf("%s is in both %s and %s", name, other, path)
	}
	f.origin[name] = path
	return nil
}

func (t *tree) fields(f *facts, p *pkg, file *ast.File, structure *ast.StructType, into map[string]string) error {
	for _, field := range structure.Fields.List {
		key, options := jsonTag(field)
		switch {
		case key == "-":
			continue
		case key == "" && len(field.Names) == 0: // embedded: encoding/json reads its fields as ours
			if err := t.embedded(f, p, file, field.Type, into); err != nil {
				return err
			}
			continue
		case key == "":
			return fmt.Errorf("%s: field %s has no JSON name (%s)", p.path, field.Names[0], options)
		}
		kind, err := t.kind(f, p, file, field.Type)
		if err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
		into[key] = kind
	}
	return nil
}

func (t *tree) embedded(f *facts, p *pkg, file *ast.File, expr ast.Expr, into map[string]string) error {
	name := ""
	switch expr := expr.(type) {
	case *ast.Ident:
		name = expr.Name
	case *ast.SelectorExpr:
		path, err := t.imported(file, expr.X.(*ast.Ident).Name)
		if err != nil {
			return err
		}
		if p, err = t.load(path); err != nil {
			return err
		}
		name = expr.Sel.Name
	}
	found := p.types[name]
	structure, is := found.expr.(*ast.StructType)
	if !is {
		return fmt.Errorf("%s.%s is embedded and not a struct", p.path, name)
	}
	return t.fields(f, p, found.file, structure, into)
}

func jsonTag(field *ast.Field) (key, options string) {
	if field.Tag == nil {
		return "", ""
	}
	raw, err := strconv.Unquote(field.Tag.Value)
	if err != nil {
		return "", ""
	}
	key, options, _ = strings.Cut(reflect.StructTag(raw).Get("json"), ",")
	return key, options
}
