package main

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Where everything is inside the network namespace of the run: the addresses of the reference procedure's own nodes.
const (
	bridge  = "replay0"
	gateway = "172.27.128.1"
	bits    = "18"
	apiURL  = "https://" + gateway + ":6443"
)

// controlPlane is etcd, kube-apiserver and kube-controller-manager of one version.
type controlPlane struct {
	version    string
	folder     string
	disk       string // etcd's
	ca         *authority
	nextCA     *authority // that follows it, in the end
	admin      *caller
	kubeconfig string
	// kubectlProgram is the path of the kubectl that fits this cluster.
	kubectlProgram string
	processes      []*exec.Cmd
}

func minorOf(version string) int {
	minor, _ := strconv.Atoi(strings.Split(version, ".")[1])
	return minor
}

// csrs is the API that has certificate signing requests.
func (c *controlPlane) csrs() string {
	if minorOf(c.version) < 19 {
		return "/apis/certificates.k8s.io/v1beta1/certificatesigningrequests"
	}
	return "/apis/certificates.k8s.io/v1/certificatesigningrequests"
}

func (c *controlPlane) issueCertificates() error {
	var err error
	if c.ca, err = newAuthority(filepath.Join(c.folder, "pki"), "kubernetes-ca"); err != nil {
		return err
	}
	for _, one := range [][]string{
		{"admin", "admin", "system:masters"},
		{"kube-controller-manager", "system:kube-controller-manager", "system:kube-controller-manager"},
		{"kubelet-client", "kubernetes-master"}, // who the API server is for a kubelet
		{"service-account", "service-accounts"},
	} {
		if err := c.ca.client(one[0], one[1], one[2:]...); err != nil {
			return err
		}
	}
	if err := c.ca.server("kube-apiserver", gateway, "127.0.0.1", "10.254.0.1"); err != nil {
		return err
	}
	c.kubeconfig = filepath.Join(c.folder, "admin.kubeconfig")
	if err := c.writeKubeconfig(c.kubeconfig, "admin", apiURL, c.ca); err != nil {
		return err
	}
	c.admin, err = c.ca.caller(apiURL, "admin", "")
	return err
}

func (c *controlPlane) writeKubeconfig(path, user, url string, trusted *authority) error {
	text := fmt.Sprintf(`apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: %q, certificate-authority: %q}}]
users: [{name: u, user: {client-certificate: %q, client-key: %q}}]
contexts: [{name: x, context: {cluster: c, user: u}}]
current-context: x
`, url, trusted.file("ca.pem"), c.ca.file(user+".pem"), c.ca.file(user+"-key.pem"))
	return os.WriteFile(path, []byte(text), 0o600)
}

// run starts one process of the control plane, its log in the folder.
func (c *controlPlane) run(program string, args ...string) error {
	return c.runAs(filepath.Base(program), program, args...)
}

// runAs is for a second process of one program, whose log has a name of its own.
func (c *controlPlane) runAs(name, program string, args ...string) error {
	log, err := os.Create(c.log(name))
	if err != nil {
		return err
	}
	defer log.Close()
	process := exec.Command(program, args...)
	process.Dir = c.folder
	process.Stdout, process.Stderr = log, log
	process.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := process.Start(); err != nil {
		return err
	}
	c.processes = append(c.processes, process)
	return nil
}

// start starts etcd and the API server.
func (c *controlPlane) start(oracles string) error {
	if err := c.run("etcd", "--data-dir", c.disk, "--unsafe-no-fsync",
		"--listen-client-urls", "http://127.0.0.1:2379", "--advertise-client-urls", "http://127.0.0.1:2379",
		"--listen-peer-urls", "http://127.0.0.1:2380", "--initial-advertise-peer-urls", "http://127.0.0.1:2380",
		"--initial-cluster", "default=http://127.0.0.1:2380"); err != nil {
		return err
	}
	return c.run(filepath.Join(oracles, "kube-apiserver"), c.apiServerFlags()...)
}

// log is where a process of the control plane writes.
func (c *controlPlane) log(program string) string { return filepath.Join(c.folder, program+".log") }

// waitReady waits for the API server and starts what needs it.
func (c *controlPlane) waitReady(oracles string) error {
	if err := waitFor("the API server is ready", 180*time.Second, c.log("kube-apiserver"), func() (string, bool) {
		status, text, err := c.admin.get("/healthz")
		return fmt.Sprint(status, " ", text, " ", err), status == http.StatusOK
	}); err != nil {
		return err
	}
	manager := filepath.Join(c.folder, "kube-controller-manager.kubeconfig")
	if err := c.writeKubeconfig(manager, "kube-controller-manager", apiURL, c.ca); err != nil {
		return err
	}
	return c.run(filepath.Join(oracles, "kube-controller-manager"), "--kubeconfig="+manager, "--leader-elect=false",
		"--cluster-signing-cert-file="+c.ca.file("ca.pem"), "--cluster-signing-key-file="+c.ca.file("ca-key.pem"),
		"--root-ca-file="+c.ca.file("ca.pem"), "--service-account-private-key-file="+c.ca.file("service-account-key.pem"),
		"--controllers=*,bootstrapsigner,tokencleaner", "--use-service-account-credentials", "--bind-address=127.0.0.1",
		"--cert-dir="+filepath.Join(c.folder, "kube-controller-manager"), "--v=2")
}

func (c *controlPlane) apiServerFlags() []string {
	flags := []string{
		"--etcd-servers=http://127.0.0.1:2379", "--secure-port=6443", "--bind-address=" + gateway, "--advertise-address=" + gateway,
		"--tls-cert-file=" + c.ca.file("kube-apiserver.pem"), "--tls-private-key-file=" + c.ca.file("kube-apiserver-key.pem"),
		"--client-ca-file=" + c.ca.file("ca.pem"), "--kubelet-certificate-authority=" + c.ca.file("ca.pem"),
		"--kubelet-client-certificate=" + c.ca.file("kubelet-client.pem"), "--kubelet-client-key=" + c.ca.file("kubelet-client-key.pem"),
		"--enable-bootstrap-token-auth", "--authorization-mode=Node,RBAC", "--enable-admission-plugins=NodeRestriction", "--allow-privileged=true",
		"--kubelet-preferred-address-types=InternalIP", "--service-cluster-ip-range=10.254.0.0/16",
		"--service-account-key-file=" + c.ca.file("service-account.pem"), "--v=2",
	}
	if minorOf(c.version) < 20 {
		return append(flags, "--insecure-port=0")
	}
	return append(flags, "--service-account-issuer="+apiURL, "--service-account-signing-key-file="+c.ca.file("service-account-key.pem"))
}

func (c *controlPlane) stop() {
	for _, process := range c.processes {
		_ = process.Process.Kill()
	}
	for _, process := range c.processes {
		_ = process.Wait()
	}
	c.processes = nil
}

// end ends the first process of a program.
func (c *controlPlane) end(program string) error {
	for i, process := range c.processes {
		if filepath.Base(process.Path) == program {
			c.processes = append(c.processes[:i], c.processes[i+1:]...)
			_ = process.Process.Kill()
			_ = process.Wait()
			return nil
		}
	}
	return fmt.Errorf("no %s runs", program)
}

// kubectl is what an administrator types. A kubectl of today cannot approve on clusters before 1.19, which have no certificates.k8s.io/v1: such
// clusters have a kubectl of their own version.
func (c *controlPlane) kubectl(args ...string) (string, error) {
	args = append(args, "--kubeconfig="+c.kubeconfig)
	if args[0] == "apply" && minorOf(c.version) < 24 {
		args = append(args, "--validate=false") // the API server of old was built without what it validates by
	}
	return ask(c.kubectlProgram, args...)
}

// withKubectl runs a program, or a line of shell, that runs kubectl itself: by this name, and for this cluster.
func (c *controlPlane) withKubectl(name string, args ...string) (string, error) {
	command := exec.Command(name, args...)
	command.Env = append(os.Environ(), "KUBECTL="+c.kubectlProgram, "KUBECONFIG="+c.kubeconfig,
		"PATH="+filepath.Dir(c.kubectlProgram)+":"+os.Getenv("PATH"))
	var said, complained strings.Builder
	command.Stdout, command.Stderr = &said, &complained
	if err := command.Run(); err != nil {
		return said.String(), fmt.Errorf("%s %q: %w: %s%s", name, args, err, said.String(), complained.String())
	}
	return said.String(), nil
}
