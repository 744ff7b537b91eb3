package main

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// tree reads upstream's packages of one release. Only the syntax is read: nothing of upstream is compiled, so old
// releases that no longer build with today's Go are no obstacle.
type tree struct {
	patch    string // "16.15": k8s.io/kubelet v0.16.15
	binaries string // "16.15": k8s.io/kubernetes v1.16.15, of the same minor
	folders  map[string]string
	packages map[string]*pkg
}

// pkg is one package: its types, string constants and variables, each with the file that it stands in.
type pkg struct {
	path      string
	types     map[string]decl
	constants map[string]decl
	variables map[string]decl
	decodes   map[string]bool // types with a method UnmarshalJSON: what they read is not what their fields say
	enums     map[string][]string
	files     map[string]*ast.File
}

type decl struct {
	expr ast.Expr
	file *ast.File
}

// modules lists what upstream's types are spread over; the first that is a prefix of an import path holds it.
var modules = []string{"k8s.io/kubelet", "k8s.io/component-base", "k8s.io/apimachinery", "k8s.io/api", "k8s.io/kubernetes", "k8s.io/apiserver",
	"k8s.io/client-go", "k8s.io/apiextensions-apiserver", "k8s.io/controller-manager"}

func newTree(r release) *tree {
	return &tree{patch: r.patch, binaries: r.binaries, folders: map[string]string{}, packages: map[string]*pkg{}}
}

// module returns the folder of a module, downloaded into Go's own cache when it is not there yet.
func (t *tree) module(name string) (string, error) {
	if folder, known := t.folders[name]; known {
		return folder, nil
	}
	version := "v0." + t.patch
	if name == "k8s.io/kubernetes" {
		version = "v1." + t.binaries
	}
	folder, err := download(name, version)
	if err == nil {
		t.folders[name] = folder
	}
	return folder, err
}

func download(name, version string) (string, error) {
	command := exec.Command("go", "mod", "download", "-json", name+"@"+version)
	command.Dir = os.TempDir() // not this module: its go.mod must stay as it is
	out, err := command.Output()
	var answer struct{ Dir, Error string }
	if json.Unmarshal(out, &answer) != nil || answer.Error != "" || answer.Dir == "" {
		return "", fmt.Errorf("downloading %s@%s: %s %v", name, version, answer.Error, err)
	}
	return answer.Dir, nil
}

// load parses one package by its import path.
func (t *tree) load(path string) (*pkg, error) {
	if p, known := t.packages[path]; known {
		return p, nil
	}
	for _, module := range modules {
		if path != module && !strings.HasPrefix(path, module+"/") {
			continue
		}
		root, err := t.module(module)
		if err != nil {
			return nil, err
		}
		p, err := parse(path, filepath.Join(root, strings.TrimPrefix(path, module)))
		if err != nil {
			return nil, err
		}
		t.packages[path] = p
		return p, nil
	}
	folder, err := t.required(path)
	if err != nil {
		return nil, err
	}
	p, err := parse(path, folder)
	if err == nil {
		t.packages[path] = p
	}
	return p, err
}

// required returns the folder of a package of another project, from the release that k8s.io/kubernetes requires.
func (t *tree) required(path string) (string, error) {
	root, err := t.module("k8s.io/kubernetes")
	if err != nil {
		return "", err
	}
	text, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		return "", err
	}
	for module := path; module != "."; module = filepath.Dir(module) {
		found := regexp.MustCompile(`(?m)^\t` + regexp.QuoteMeta(module) + ` (v\S+)`).FindSubmatch(text)
		if found != nil {
			folder, err := download(module, string(found[1]))
			return folder + strings.TrimPrefix(path, module), err
		}
	}
	return "", fmt.Errorf("%s: in no module that k8s.io/kubernetes requires", path)
}

func parse(path, folder string) (*pkg, error) {
	source := func(info fs.FileInfo) bool { return !strings.HasSuffix(info.Name(), "_test.go") }
	parsed, err := parser.ParseDir(token.NewFileSet(), folder, source, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	p := &pkg{path, map[string]decl{}, map[string]decl{}, map[string]decl{}, map[string]bool{}, map[string][]string{}, map[string]*ast.File{}}
	for _, one := range parsed {
		for name, file := range one.Files {
			p.files[name] = file
			for _, declaration := range file.Decls {
				p.add(declaration, file)
			}
		}
	}
	if len(p.types)+len(p.constants)+len(p.variables) == 0 {
		return nil, fmt.Errorf("%s: no Go package in %s", path, folder)
	}
	return p, nil
}

func (p *pkg) add(declaration ast.Decl, file *ast.File) {
	switch declaration := declaration.(type) {
	case *ast.FuncDecl:
		if declaration.Name.Name == "UnmarshalJSON" && declaration.Recv != nil {
			receiver := declaration.Recv.List[0].Type
			if pointer, is := receiver.(*ast.StarExpr); is {
				receiver = pointer.X
			}
			if name, is := receiver.(*ast.Ident); is {
				p.decodes[name.Name] = true
			}
		}
	case *ast.GenDecl:
		for _, spec := range declaration.Specs {
			switch spec := spec.(type) {
			case *ast.TypeSpec:
				p.types[spec.Name.Name] = decl{spec.Type, file}
			case *ast.ValueSpec:
				p.addValues(spec, file, declaration.Tok)
			}
		}
	}
}

func (p *pkg) addValues(spec *ast.ValueSpec, file *ast.File, kind token.Token) {
	for i, name := range spec.Names {
		if i >= len(spec.Values) {
			continue
		}
		if kind != token.CONST {
			p.variables[name.Name] = decl{spec.Values[i], file}
			continue
		}
		p.constants[name.Name] = decl{spec.Values[i], file}
		if typed, is := spec.Type.(*ast.Ident); is {
			if literal, is := spec.Values[i].(*ast.BasicLit); is && literal.Kind == token.STRING {
				value, err := strconv.Unquote(literal.Value)
				if err == nil {
					p.enums[typed.Name] = append(p.enums[typed.Name], value)
				}
			}
		}
	}
}

// imported returns the package that a qualifier stands for in a file.
func (t *tree) imported(file *ast.File, qualifier string) (string, error) {
	for _, spec := range file.Imports {
		path, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return "", err
		}
		if spec.Name != nil && spec.Name.Name == qualifier {
			return path, nil
		}
		if spec.Name == nil {
			p, err := t.load(path)
			if filepath.Base(path) == qualifier || err == nil && p != nil && packageName(p) == qualifier {
				return path, nil
			}
		}
	}
	return "", fmt.Errorf("nothing is imported as %s", qualifier)
}

func packageName(p *pkg) string {
	for _, group := range []map[string]decl{p.types, p.constants, p.variables} {
		for _, one := range group {
			return one.file.Name.Name
		}
	}
	return ""
}

// text evaluates a constant string: a literal, a name of this or another package, or a sum of them.
func (t *tree) text(p *pkg, file *ast.File, expr ast.Expr) (string, error) {
	switch expr := expr.(type) {
	case *ast.BasicLit:
		return strconv.Unquote(expr.Value)
	case *ast.Ident:
		named, known := p.constants[expr.Name]
		if !known {
			return "", fmt.Errorf("%s has no constant %s", p.path, expr.Name)
		}
		return t.text(p, named.file, named.expr)
	case *ast.SelectorExpr:
		path, err := t.imported(file, expr.X.(*ast.Ident).Name)
		if err != nil {
			return "", err
		}
		other, err := t.load(path)
		if err != nil {
			return "", err
		}
		return t.text(other, file, expr.Sel)
	case *ast.CallExpr: // a conversion: featuregate.Feature("Name")
		if len(expr.Args) == 1 {
			return t.text(p, file, expr.Args[0])
		}
	case *ast.BinaryExpr:
		left, err := t.text(p, file, expr.X)
		if err != nil {
			return "", err
		}
		right, err := t.text(p, file, expr.Y)
		return left + right, err
	}
	return "", fmt.Errorf("%T is not a constant string that this program knows", expr)
}
