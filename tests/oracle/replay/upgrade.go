package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// What a kubelet says that finds the state of another CPU manager's policy; it ends then.
const otherPolicy = "differs from state checkpoint policy"

// upgradeBundle changes what a joined kubelet keeps state of: the API server's address, its CA, the CPU manager's policy. The bundle that is
// made over the one that the nodes have is another project, so that tokens go on as they are in the first one.
func (r *replay) upgradeBundle(n *node) (upgraded *project) {
	r.step("cluster", "upgrade-built", "nodebake build --upgrade-from writes a program that removes the kubeconfig and the CPU manager's state of "+n.Name,
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
			return "", says(string(text), "#file\t"+n.flag("kubeconfig")[1:]+"\n", "#file\t"+n.cpuState()[1:]+"\n")
		})
	r.step("cluster", "upgrade-diff-says-state", "nodebake diff names both and the settings that they were made by", func() (string, error) {
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
	inventory := strings.Replace(string(text), apiURL, secondURL, 1) +
		"kubelet: {config: {cpuManagerPolicy: static, kubeReserved: {cpu: 100m}}}\n"
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
	return notes, says(notes, "remove "+n.flag("kubeconfig")+" before", "apiServer.ca, apiServer.url changed",
		"drain the node, and remove "+n.cpuState()+" before", "cpuManagerPolicy")
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

// cpuState is where the kubelet keeps what its CPU manager decided.
func (n *node) cpuState() string {
	root := n.flag("root-dir")
	if root == "" {
		root = "/var/lib/kubelet"
	}
	return root + "/cpu_manager_state"
}

// upgrades: a payload over a node that has joined. Without the removal of its state the kubelet ends, and trusts its API server no more; with
// it the node is Ready with the new server and CA, and keeps its certificate.
func (r *replay) upgrades(n *node, upgraded *project) {
	var asked int
	r.step(n.format, "upgrade-drained", n.Name+" is drained, as the table of nodebake-upgrade(7) says", func() (string, error) {
		var err error
		if asked, err = r.bootstraps(n); err != nil {
			return "", err
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
	r.step(n.format, "upgrade-has-new-state", "its kubeconfig names the new server and trusts both CAs, its CPU manager is static, its certificate the old one",
		func() (string, error) { return r.newState(n, asked) })
	n.stop()
}

// keptStateFails is the proof that the removal is needed.
func (r *replay) keptStateFails(n *node, upgraded *project) {
	r.step(n.format, "upgrade-needs-cpu-state-removed", "with the new tarball alone the kubelet of "+n.Name+" ends over its CPU manager's state",
		func() (string, error) {
			n.stop()
			if _, err := r.startsWith(n, upgraded); err != nil {
				return "", err
			}
			if line, err := logged(n, soon, []string{otherPolicy}); err != nil {
				return line, err
			}
			return logged(n, soon, []string{"replay: kubelet ended"})
		})
	r.step(n.format, "upgrade-needs-kubeconfig-removed", "without that state it runs, with its first kubeconfig, and does not trust the API server",
		func() (string, error) {
			n.stop()
			if err := os.Remove(n.in(n.cpuState())); err != nil {
				return "", err
			}
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
	state, err := os.ReadFile(n.in(n.cpuState()))
	if err != nil {
		return "", err
	}
	if err := says(string(state), `"policyName":"static"`); err != nil {
		return string(state), err
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
	return "server " + secondURL + ", " + string(state), err
}
