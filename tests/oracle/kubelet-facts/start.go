package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
)

// starts are the functions between `run` and NewMainKubelet in which a kubelet ends over its configuration, by file below k8s.io/kubernetes;
// "*" is every function of the file. A file or function that a release does not have (yet, or any more) is left out there.
var starts = map[string][]string{
	"cmd/kubelet/app/server.go": {"NewKubeletCommand", "loadConfigFile", "loadDropinConfigFileIntoJSON", "mergeKubeletConfigurations",
		"kubeletConfigFlagPrecedence", "InitializeTLS", "getReservedCPUs", "run", "getCgroupDriverFromCRI", "RunKubelet", "createAndInitKubelet",
		"parseResourceList", "buildKubeletClientConfig"},
	"cmd/kubelet/app/auth.go":                            {"*"},
	"cmd/kubelet/app/options/options.go":                 {"ValidateKubeletFlags"},
	"pkg/kubelet/kubelet.go":                             {"PreInitRuntimeService", "NewMainKubelet", "setupDataDirs"},
	"pkg/kubelet/cm/container_manager.go":                {"parsePercentage", "ParseQOSReserved"},
	"pkg/kubelet/cm/container_manager_linux.go":          {"NewContainerManager", "setupKernelTunables", "setupNode"},
	"pkg/kubelet/cm/node_container_manager_linux.go":     {"enforceNodeAllocatableCgroups", "validateNodeAllocatable"},
	"pkg/kubelet/cm/cpumanager/cpu_manager.go":           {"NewManager"},
	"pkg/kubelet/cm/cpumanager/policy_none.go":           {"NewNonePolicy"},
	"pkg/kubelet/cm/cpumanager/policy_static.go":         {"NewStaticPolicy"},
	"pkg/kubelet/cm/cpumanager/policy_options.go":        {"*"},
	"pkg/kubelet/cm/topologymanager/topology_manager.go": {"NewManager"},
	"pkg/kubelet/cm/topologymanager/policy_options.go":   {"*"},
	"pkg/kubelet/cm/memorymanager/memory_manager.go":     {"NewManager", "getTotalMemoryTypeReserved", "validateReservedMemory", "convertReserved"},
	"pkg/kubelet/cm/memorymanager/policy_static.go":      {"NewPolicyStatic"},
	"pkg/kubelet/eviction/helpers.go":                    {"ParseThresholdConfig", "parseThresholdStatement", "parseGracePeriods", "parseMinimumReclaims"},
	"pkg/kubelet/logs/container_log_manager.go":          {"NewContainerLogManager", "parseMaxSize"},
	"pkg/kubelet/sysctl/allowlist.go":                    {"NewAllowlist"},
	"pkg/kubelet/sysctl/whitelist.go":                    {"NewWhitelist"},
	"pkg/kubelet/userns/userns_manager.go":               {"MakeUserNsManager"},
	"pkg/kubelet/watchdog/watchdog_linux.go":             {"NewHealthChecker"},
	"pkg/credentialprovider/plugin/config.go":            {"*"},
	"pkg/credentialprovider/plugin/plugin.go":            {"RegisterCredentialProviderPlugins"},
}

// levels are the variables of the managers' options, by what they say of an option.
var levels = map[string]string{"alphaOptions": "alpha", "betaOptions": "beta", "stableOptions": "stable"}

// starting collects where a kubelet of one release ends over its configuration, and the options of its managers.
func (t *tree) starting() (map[string]bool, error) {
	root, err := t.module("k8s.io/kubernetes")
	if err != nil {
		return nil, err
	}
	found := map[string]bool{}
	for path, functions := range starts {
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, path), nil, parser.SkipObjectResolution)
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		for _, declaration := range file.Decls {
			function, is := declaration.(*ast.FuncDecl)
			if !is || function.Body == nil || !wanted(functions, function.Name.Name) {
				continue
			}
			ast.Inspect(function.Body, func(node ast.Node) bool {
				if text, ends := message(node); ends {
					found[fmt.Sprintf("error\t%s:%s\t%s", path, function.Name.Name, text)] = true
				}
				return true
			})
		}
		if strings.HasSuffix(path, "/policy_options.go") {
			options(file, filepath.Base(filepath.Dir(path)), found)
		}
	}
	return found, nil
}

func wanted(functions []string, name string) bool {
	for _, one := range functions {
		if one == "*" || one == name {
			return true
		}
	}
	return false
}

// message is the text of a new error, or of a call that ends the process.
func message(node ast.Node) (string, bool) {
	call, is := node.(*ast.CallExpr)
	if !is || len(call.Args) == 0 {
		return "", false
	}
	selector, is := call.Fun.(*ast.SelectorExpr)
	if !is {
		return "", false
	}
	qualifier, is := selector.X.(*ast.Ident)
	if !is {
		return "", false
	}
	switch qualifier.Name + "." + selector.Sel.Name {
	case "fmt.Errorf", "errors.New", "klog.Fatal", "klog.Fatalf":
		return literal(call.Args[0])
	case "field.Required", "field.Invalid", "field.Forbidden", "field.NotSupported", "field.Duplicate":
		text, _ := literal(call.Args[len(call.Args)-1])
		return selector.Sel.Name + " " + text, true
	}
	return "", false
}

func literal(expr ast.Expr) (string, bool) {
	switch expr := expr.(type) {
	case *ast.BasicLit:
		text, err := strconv.Unquote(expr.Value)
		return strings.Join(strings.Fields(text), " "), err == nil
	case *ast.CallExpr:
		if len(expr.Args) > 0 {
			return literal(expr.Args[0])
		}
	case *ast.Ident:
		return expr.Name, true
	}
	return "", false
}

// options collects the members of alphaOptions, betaOptions and stableOptions; 1.22 has a switch instead, and no levels.
func options(file *ast.File, manager string, found map[string]bool) {
	names := map[string]string{}
	for _, declaration := range file.Decls {
		group, is := declaration.(*ast.GenDecl)
		if !is {
			continue
		}
		for _, spec := range group.Specs {
			values, is := spec.(*ast.ValueSpec)
			if !is || len(values.Values) == 0 {
				continue
			}
			name := values.Names[0].Name
			if text, is := literal(values.Values[0]); is && group.Tok == token.CONST {
				names[name] = text
			}
			call, is := values.Values[0].(*ast.CallExpr)
			if level, known := levels[name]; is && known {
				for _, member := range call.Args {
					if ident, is := member.(*ast.Ident); is {
						found[fmt.Sprintf("option\t%s %s %s", strings.TrimSuffix(manager, "manager"), names[ident.Name], level)] = true
					}
				}
			}
		}
	}
}

// writeStarts writes every fact with the minors that have it: "16-37<TAB>error<TAB>file:function<TAB>text".
func writeStarts(path string, first int, all []map[string]bool) error {
	facts := map[string]bool{}
	for _, one := range all {
		for fact := range one {
			facts[fact] = true
		}
	}
	var lines []string
	for fact := range facts {
		for i := 0; i < len(all); i++ {
			if !all[i][fact] {
				continue
			}
			from := i
			for i+1 < len(all) && all[i+1][fact] {
				i++
			}
			until := strconv.Itoa(first + i)
			if i == len(all)-1 {
				until = ""
			}
			lines = append(lines, fmt.Sprintf("%s\t%d-%s", fact, first+from, until))
		}
	}
	sort.Strings(lines)
	head := "# Where a kubelet ends over its configuration when it starts, and the options of its managers, with the minors that have each. Written by\n" +
		"# tests/oracle/kubelet-facts; `known.txt` says what we do about each.\n"
	return os.WriteFile(path, []byte(head+strings.Join(lines, "\n")+"\n"), 0o644)
}
