package main

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// approver is one replica: the program with the credentials of its ServiceAccount.
type approver struct {
	name    string
	port    int
	process *exec.Cmd
}

var approverPorts = 9900

func (r *replay) newApprover(name string) *approver {
	approverPorts++
	return &approver{name: name, port: approverPorts}
}

// start starts it, with the arguments that the Deployment has.
func (a *approver) start(r *replay) error {
	if _, err := os.Stat(filepath.Join(r.folder, "review")); err != nil {
		if err := r.useExtract(r.project, nil); err != nil {
			return err
		}
	}
	token, err := r.cp.kubectl("create", "token", "nodebake-approver", "-n", approverNamespace, "--duration=24h")
	if err != nil {
		return err
	}
	kubeconfig := filepath.Join(r.folder, "approver.kubeconfig")
	text := fmt.Sprintf(`apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: %q, certificate-authority: %q}}]
users: [{name: u, user: {token: %q}}]
contexts: [{name: x, context: {cluster: c, user: u}}]
current-context: x
`, apiURL, r.cp.ca.file("ca.pem"), strings.TrimSpace(token))
	if err := os.WriteFile(kubeconfig, []byte(text), 0o600); err != nil {
		return err
	}
	said, err := r.cp.kubectl("get", "deployment", "nodebake-approver", "-n", approverNamespace,
		"-o", "jsonpath={range .spec.template.spec.containers[0].args[*]}{@}{\"\\n\"}{end}")
	if err != nil {
		return err
	}
	args := append(strings.Fields(said), "--kubeconfig="+kubeconfig, "--review="+filepath.Join(r.folder, "review"),
		fmt.Sprintf("--listen=127.0.0.1:%d", a.port), "--namespace="+approverNamespace, "--identity="+a.name)
	log, err := os.OpenFile(r.approverLog(a.name), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer log.Close()
	a.process = exec.Command(r.Approver, args...)
	a.process.Stdout, a.process.Stderr = log, log
	a.process.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return a.process.Start()
}

func (a *approver) mustStart(r *replay) {
	r.step("cluster", "approver-starts-"+a.name, "nodebake-approver starts with the ServiceAccount's token and becomes ready", func() (string, error) {
		r.running[a.name] = a
		if err := a.start(r); err != nil {
			return "", err
		}
		return a.waitReady(r)
	})
}

func (a *approver) waitReady(r *replay) (string, error) {
	var seen string
	err := waitFor("/readyz says ok", 60*time.Second, r.approverLog(a.name), func() (string, bool) {
		status, text := a.get("/readyz")
		seen = fmt.Sprint(status, " ", text)
		return seen, status == http.StatusOK
	})
	return seen, err
}

func (a *approver) get(path string) (int, string) {
	c := &caller{client: &http.Client{Timeout: 5 * time.Second}, base: fmt.Sprintf("http://127.0.0.1:%d", a.port)}
	status, text, err := c.get(path)
	if err != nil {
		return 0, err.Error()
	}
	return status, text
}

// kill ends it at once; it has no time to give its Lease away.
func (a *approver) kill() {
	_ = a.process.Process.Kill()
	_ = a.process.Wait()
}

// stop ends it as the kubelet ends a pod.
func (a *approver) stop() error {
	_ = a.process.Process.Signal(syscall.SIGTERM)
	return a.process.Wait()
}

// peak is the most memory that it ever had, in KiB.
func (a *approver) peak() (int, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", a.process.Process.Pid))
	if err != nil {
		return 0, err
	}
	for _, line := range strings.Split(string(text), "\n") {
		var kib int
		if _, err := fmt.Sscanf(line, "VmHWM: %d kB", &kib); err == nil {
			return kib, nil
		}
	}
	return 0, fmt.Errorf("no VmHWM in %s", text)
}
