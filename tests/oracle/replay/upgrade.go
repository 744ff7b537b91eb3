package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// What a kubelet says that finds the state of another policy of a manager; it ends then.
const otherPolicy = "differs from state checkpoint policy"

// upgradeBundle changes what a joined kubelet keeps state of: the API server's address, its CA, the managers' policies. The bundle that is
// made over the one that the nodes have is another project, so that tokens go on as they are in the first one.
func (r *replay) upgradeBundle(n *node) (upgraded *project) {
	r.step("cluster", "upgrade-built", "nodebake build --upgrade-from writes a program that removes the kubeconfig and the managers' state of "+n.Name,
		func() (string, error) {
			var err error
			if upgraded, err = r.changedProject(); err != nil {
				return "", err
			}
			if _, err := ask(r.Nodebake, append(upgraded.buildArgs(), "--upgrade-from", upgraded.before())...); err != nil {
				return "", err
			}
			text, err := os.ReadFile(upgraded.out("nodes", n.Name, n.Name+".upgrade.sh"))
			if err != nil {
				return "", err
			}
			words := []string{"#file\t" + n.flag("kubeconfig")[1:] + "\n"}
			for _, path := range r.managerStates(n) {
				words = append(words, "#file\t"+path[1:]+"\n")
			}
			return fmt.Sprintf("%q", words), says(string(text), words...)
		})
	r.step("cluster", "upgrade-diff-says-state", "nodebake diff names them and the settings that they were made by", func() (string, error) {
		return r.diffSaysState(n, upgraded)
	})
	return upgraded
}

// before is the bundle that the nodes have.
func (p *project) before() string { return filepath.Join(p.folder, "before") }

// changedProject is a copy of the project with other settings; its bundle is still the one that the nodes have.
func (r *replay) changedProject() (*project, error) {
	changed := *r.project
	changed.folder = r.project.folder + "-upgraded"
	if err := do("cp", "-a", r.project.folder, changed.folder); err != nil {
		return nil, err
	}
	if err := os.Rename(changed.out(), changed.before()); err != nil {
		return nil, err
	}
	both, err := r.cp.bothCAs()
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(filepath.Join(changed.folder, "cluster.yaml"))
	if err != nil {
		return nil, err
	}
	config := "cpuManagerPolicy: static, kubeReserved: {cpu: 100m}"
	if r.hasMemoryManager() {
		// All that `worker` keeps from pods, as the manager wants it.
		config += ", memoryManagerPolicy: Static, reservedMemory: [{numaNode: 0, limits: {memory: 612Mi}}]"
	}
	inventory := strings.Replace(string(text), apiURL, secondURL, 1) + "kubelet: {config: {" + config + "}}\n"
	for name, text := range map[string]string{"cluster.yaml": inventory, "pki/ca.pem": string(both)} {
		if err := os.WriteFile(filepath.Join(changed.folder, name), []byte(text), 0o644); err != nil {
			return nil, err
		}
	}
	return &changed, nil
}

func (r *replay) diffSaysState(n *node, upgraded *project) (string, error) {
	said, err := ask(r.Nodebake, "diff", upgraded.before(), upgraded.out(), "-o", "json")
	if err != nil {
		return said, err
	}
	var diff struct{ Summary struct{ Notes []string } }
	if err := json.Unmarshal([]byte(said), &diff); err != nil {
		return said, err
	}
	notes := strings.Join(diff.Summary.Notes, "; ")
	words := []string{"remove " + n.flag("kubeconfig") + " before", "apiServer.ca, apiServer.url changed", "cpuManagerPolicy"}
	for _, path := range r.managerStates(n) {
		words = append(words, "drain the node, and remove "+path+" before")
	}
	return notes, says(notes, words...)
}

// says is an error for the first of some words that a text lacks.
func says(text string, words ...string) error {
	for _, word := range words {
		if !strings.Contains(text, word) {
			return fmt.Errorf("it does not say %q", word)
		}
	}
	return nil
}

// hasMemoryManager: since 1.22 it keeps a state without a gate.
func (r *replay) hasMemoryManager() bool { return minorOf(r.version) >= 22 }

// managerStates is where the kubelet keeps what its managers decided: of the CPUs, and of the memory.
func (r *replay) managerStates(n *node) []string {
	root := n.flag("root-dir")
	if root == "" {
		root = "/var/lib/kubelet"
	}
	states := []string{root + "/cpu_manager_state"}
	if r.hasMemoryManager() {
		states = append(states, root+"/memory_manager_state")
	}
	return states
}

// upgrades: a payload over a node that has joined. Without the removal of its state the kubelet ends, and trusts its API server no more; with
// it the node is Ready with the new server and CA, and keeps its certificate.
func (r *replay) upgrades(n *node, upgraded *project) {
	var asked int
	kept := map[string][]byte{}
	r.step(n.format, "upgrade-drained", n.Name+" is drained, as the table of nodebake-upgrade(7) says", func() (string, error) {
		var err error
		if asked, err = r.bootstraps(n); err != nil {
			return "", err
		}
		for _, path := range append(r.managerStates(n), n.flag("kubeconfig")) {
			if kept[path], err = os.ReadFile(n.in(path)); err != nil {
				return "", err
			}
		}
		return r.cp.kubectl("drain", n.Name, "--ignore-daemonsets", "--force")
	})
	r.step("cluster", "upgrade-ca-rotated", "the cluster's API server has a certificate of the new CA, at its old address and at "+secondURL,
		func() (string, error) {
			admin, err := r.cp.secondReady()
			if err != nil {
				return "", err
			}
			r.cp.admin = admin
			return "", r.cp.rotated()
		})
	r.log = r.cp.log("kube-apiserver-2")
	r.keptStateFails(n, upgraded)
	r.step(n.format, "upgrade-ready", "after "+n.Name+".upgrade.sh and the new tarball "+n.Name+" is Ready", func() (string, error) {
		n.stop()
		// As the node was before anything was tried.
		for path, text := range kept {
			if err := os.WriteFile(n.in(path), text, 0o600); err != nil {
				return "", err
			}
		}
		if err := do("sh", upgraded.out("nodes", n.Name, n.Name+".upgrade.sh"), n.Root); err != nil {
			return "", err
		}
		off, err := r.startsWith(n, upgraded)
		if err != nil {
			return "", err
		}
		seen, err := r.waitReady(n, off)
		if err == nil {
			_, err = r.cp.kubectl("uncordon", n.Name)
		}
		return seen, err
	})
	r.step(n.format, "upgrade-has-new-state", "its kubeconfig names the new server and trusts both CAs, its managers are static, its certificate the old one",
		func() (string, error) { return r.newState(n, asked) })
	n.stop()
}

// keptStateFails is the proof that the removal is needed.
func (r *replay) keptStateFails(n *node, upgraded *project) {
	of := map[string]string{"cpu": "CPU", "memory": "memory"}
	for _, path := range r.managerStates(n) {
		which, _, _ := strings.Cut(filepath.Base(path), "_")
		r.step(n.format, "upgrade-needs-"+which+"-state-removed", "with it the kubelet of "+n.Name+" ends over the state of its "+of[which]+" manager",
			func() (string, error) {
				n.stop()
				if _, err := r.startsWith(n, upgraded); err != nil {
					return "", err
				}
				line, err := logged(n, soon, []string{otherPolicy})
				if err == nil {
					_, err = logged(n, soon, []string{"replay: kubelet ended"})
				}
				if isOfMemory := strings.Contains(line, "memory"); err == nil && isOfMemory != (which == "memory") {
					err = fmt.Errorf("that is the other manager")
				}
				if err != nil {
					return line, err
				}
				return line, os.Remove(n.in(path))
			})
	}
	r.step(n.format, "upgrade-needs-kubeconfig-removed", "without any such state it runs, with its first kubeconfig, and does not trust the API server",
		func() (string, error) {
			n.stop()
			if _, err := r.startsWith(n, upgraded); err != nil {
				return "", err
			}
			line, err := logged(n, soon, []string{"certificate signed by unknown authority"}, otherPolicy)
			if err != nil {
				return line, err
			}
			text, err := os.ReadFile(n.in(n.flag("kubeconfig")))
			if err == nil {
				err = says(string(text), "server: "+apiURL+"\n")
			}
			return line, err
		})
}

// startsWith unpacks a project's tarball over the node's root as it is, and powers it on with a new log.
func (r *replay) startsWith(n *node, p *project) (off time.Time, err error) {
	if err := n.apply(p, r.Oracles); err != nil {
		return off, err
	}
	if err := os.Rename(n.log("kubelet"), fmt.Sprintf("%s.%d", n.log("kubelet"), time.Now().UnixNano())); err != nil {
		return off, err
	}
	return time.Now(), n.start()
}

func (r *replay) newState(n *node, asked int) (string, error) {
	kubeconfig, err := os.ReadFile(n.in(n.flag("kubeconfig")))
	if err != nil {
		return "", err
	}
	both, err := r.cp.bothCAs()
	if err != nil {
		return "", err
	}
	if err := says(string(kubeconfig), "server: "+secondURL+"\n", base64Of(string(both))); err != nil {
		return string(kubeconfig), err
	}
	seen := "server " + secondURL
	for _, path := range r.managerStates(n) {
		state, err := os.ReadFile(n.in(path))
		if err != nil {
			return seen, err
		}
		seen += ", " + string(state)
		if err := says(strings.ToLower(string(state)), `"policyname":"static"`); err != nil {
			return seen, err
		}
	}
	log, err := os.ReadFile(n.kubeletLog())
	if err != nil {
		return "", err
	}
	if strings.Contains(string(log), otherPolicy) || strings.Contains(string(log), "replay: kubelet ended") {
		return "", fmt.Errorf("its kubelet ended")
	}
	again, err := r.bootstraps(n)
	if err == nil && again != asked {
		err = fmt.Errorf("it asked for %d certificates with its token, before for %d", again, asked)
	}
	return seen, err
}
