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
	ca         *authority
	admin      *caller
	kubeconfig string
	processes  []*exec.Cmd
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
	if err := c.writeKubeconfig(c.kubeconfig, "admin"); err != nil {
		return err
	}
	c.admin, err = newCaller(c.ca, apiURL, "admin", "")
	return err
}

func (c *controlPlane) writeKubeconfig(path, user string) error {
	text := fmt.Sprintf(`apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: %q, certificate-authority: %q}}]
users: [{name: u, user: {client-certificate: %q, client-key: %q}}]
contexts: [{name: x, context: {cluster: c, user: u}}]
current-context: x
`, apiURL, c.ca.file("ca.pem"), c.ca.file(user+".pem"), c.ca.file(user+"-key.pem"))
	return os.WriteFile(path, []byte(text), 0o600)
}

// run starts one process of the control plane, its log in the folder.
func (c *controlPlane) run(program string, args ...string) error {
	log, err := os.Create(filepath.Join(c.folder, filepath.Base(program)+".log"))
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

func (c *controlPlane) start(judges string) error {
	if err := c.run("etcd", "--data-dir", filepath.Join(c.folder, "etcd"), "--unsafe-no-fsync",
		"--listen-client-urls", "http://127.0.0.1:2379", "--advertise-client-urls", "http://127.0.0.1:2379",
		"--listen-peer-urls", "http://127.0.0.1:2380", "--initial-advertise-peer-urls", "http://127.0.0.1:2380",
		"--initial-cluster", "default=http://127.0.0.1:2380"); err != nil {
		return err
	}
	if err := c.run(filepath.Join(judges, "kube-apiserver"), c.apiServerFlags()...); err != nil {
		return err
	}
	if err := waitFor("the API server is ready", 180*time.Second, filepath.Join(c.folder, "kube-apiserver.log"), func() (string, bool) {
		status, text, err := c.admin.get("/healthz")
		return fmt.Sprint(status, " ", text, " ", err), status == http.StatusOK
	}); err != nil {
		return err
	}
	manager := filepath.Join(c.folder, "kube-controller-manager.kubeconfig")
	if err := c.writeKubeconfig(manager, "kube-controller-manager"); err != nil {
		return err
	}
	return c.run(filepath.Join(judges, "kube-controller-manager"), "--kubeconfig="+manager, "--leader-elect=false",
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
		"--enable-bootstrap-token-auth", "--authorization-mode=Node,RBAC", "--enable-admission-plugins=NodeRestriction",
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

// kubectl is what an administrator types. Clusters of old lack what today's kubectl validates by.
func (c *controlPlane) kubectl(args ...string) (string, error) {
	args = append(args, "--kubeconfig="+c.kubeconfig)
	if args[0] == "apply" && minorOf(c.version) < 24 {
		args = append(args, "--validate=false")
	}
	return ask("kubectl", args...)
}
