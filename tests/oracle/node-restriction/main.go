// node-restriction asks a real API server which labels a kubelet may give its own Node: etcd and kube-apiserver run on
// free ports of loopback, and for each label on standard input a node of its own registers itself with that label, by
// a certificate of system:node:NAME as a kubelet's. Prints KEY, a tab, and `accepted` or `refused` with the server's
// reason.
//
//	node-restriction KUBE-APISERVER VERSION <labels
package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: node-restriction KUBE-APISERVER VERSION <labels")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "node-restriction:", err)
		os.Exit(1)
	}
}

func run(program, version string) error {
	folder, err := os.MkdirTemp("", "node-restriction")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	authority, err := newAuthority(folder)
	if err != nil {
		return err
	}
	server := &apiServer{folder: folder, authority: authority}
	defer server.stop()
	if err := server.start(program, version); err != nil {
		return err
	}
	lines := bufio.NewScanner(os.Stdin)
	for number := 0; lines.Scan(); number++ {
		verdict, err := server.register(fmt.Sprintf("n%d", number), lines.Text())
		if err != nil {
			return err
		}
		fmt.Printf("%s\t%s\n", lines.Text(), verdict)
	}
	return lines.Err()
}

// apiServer is etcd and kube-apiserver, and what is known of them.
type apiServer struct {
	folder    string
	authority *authority
	url       string
	processes []*exec.Cmd
}

// freePort is a port that nobody listened at a moment ago.
func freePort() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer listener.Close()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	return port, err
}

func (s *apiServer) start(program, version string) error {
	var ports [3]string
	for i := range ports {
		port, err := freePort()
		if err != nil {
			return err
		}
		ports[i] = port
	}
	clients, peers := "http://127.0.0.1:"+ports[0], "http://127.0.0.1:"+ports[1]
	s.url = "https://127.0.0.1:" + ports[2]
	if err := s.process("etcd", "--data-dir", filepath.Join(s.folder, "etcd"), "--unsafe-no-fsync",
		"--listen-client-urls", clients, "--advertise-client-urls", clients, "--listen-peer-urls", peers,
		"--initial-advertise-peer-urls", peers, "--initial-cluster", "default="+peers); err != nil {
		return err
	}
	file := s.authority.file
	flags := []string{
		"--etcd-servers=" + clients, "--secure-port=" + ports[2], "--bind-address=127.0.0.1", "--advertise-address=127.0.0.1",
		"--tls-cert-file=" + file("server.pem"), "--tls-private-key-file=" + file("server-key.pem"),
		"--client-ca-file=" + file("ca.pem"), "--authorization-mode=Node,RBAC", "--enable-admission-plugins=NodeRestriction",
		"--service-cluster-ip-range=10.254.0.0/16", "--service-account-key-file=" + file("server-key.pem"),
	}
	// Ports without TLS were closed by a flag, until they were no more; service accounts have issuers since 1.20.
	if strings.HasPrefix(version, "v1.16.") {
		flags = append(flags, "--insecure-port=0")
	} else {
		flags = append(flags, "--service-account-issuer="+s.url, "--service-account-signing-key-file="+file("server-key.pem"))
	}
	if err := s.process(program, flags...); err != nil {
		return err
	}
	return s.ready()
}

// process starts a program that dies with us, its log in the folder.
func (s *apiServer) process(program string, args ...string) error {
	log, err := os.Create(filepath.Join(s.folder, filepath.Base(program)+".log"))
	if err != nil {
		return err
	}
	defer log.Close()
	command := exec.Command(program, args...)
	command.Dir = s.folder
	command.Stdout, command.Stderr = log, log
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := command.Start(); err != nil {
		return fmt.Errorf("starting %s: %w", program, err)
	}
	s.processes = append(s.processes, command)
	return nil
}

// ready waits until a node may register, which also needs the roles that the server makes itself.
func (s *apiServer) ready() error {
	var last string
	for deadline := time.Now().Add(4 * time.Minute); time.Now().Before(deadline); time.Sleep(time.Second) {
		verdict, err := s.register("first", "")
		if err == nil && verdict == "accepted" {
			return nil
		}
		last = fmt.Sprint(verdict, err)
	}
	logs, _ := os.ReadFile(filepath.Join(s.folder, "kube-apiserver.log"))
	if len(logs) > 4000 {
		logs = logs[len(logs)-4000:]
	}
	return fmt.Errorf("the API server is not ready: %s\n%s", last, logs)
}

func (s *apiServer) stop() {
	for _, process := range s.processes {
		_ = process.Process.Kill()
		_ = process.Wait()
	}
}

// register makes a Node as its kubelet would, with one label or none.
func (s *apiServer) register(name, label string) (string, error) {
	pair, err := s.authority.issue("system:node:"+name, "system:nodes", nil)
	if err != nil {
		return "", err
	}
	labels := map[string]string{}
	if label != "" {
		labels[label] = "x"
	}
	body, err := json.Marshal(map[string]any{
		"apiVersion": "v1", "kind": "Node",
		"metadata": map[string]any{"name": name, "labels": labels},
	})
	if err != nil {
		return "", err
	}
	pool := x509.NewCertPool()
	pool.AddCert(s.authority.cert)
	transport := &http.Transport{
		TLSClientConfig:   &tls.Config{RootCAs: pool, Certificates: []tls.Certificate{pair}},
		DisableKeepAlives: true,
	}
	client := &http.Client{Transport: transport, Timeout: 30 * time.Second}
	answer, err := client.Post(s.url+"/api/v1/nodes", "application/json", bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return "", err
	}
	switch answer.StatusCode {
	case http.StatusCreated:
		return "accepted", nil
	case http.StatusForbidden:
		var status struct{ Message string }
		_ = json.Unmarshal(text, &status)
		return "refused " + status.Message, nil
	}
	return "", fmt.Errorf("a node with the label %q: %d %s", label, answer.StatusCode, text)
}
