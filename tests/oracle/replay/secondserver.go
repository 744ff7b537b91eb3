package main

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Where the cluster's second API server is. Its certificate is of a CA of its own, as after a rotation of the CA.
const (
	secondPort = "7443"
	secondURL  = "https://" + gateway + ":" + secondPort
)

// startSecond starts an API server beside the first one, on the same etcd. It lets in who has a certificate of either CA, as the guide
// "Manual Rotation of CA Certificates" of Kubernetes wants it.
func (c *controlPlane) startSecond(oracles string) error {
	var err error
	if c.nextCA, err = newAuthority(filepath.Join(c.folder, "next-pki"), "kubernetes-ca-2"); err != nil {
		return err
	}
	if err := c.nextCA.server("kube-apiserver", gateway, "127.0.0.1", "10.254.0.1"); err != nil {
		return err
	}
	both, err := c.bothCAs()
	if err != nil {
		return err
	}
	if err := os.WriteFile(c.nextCA.file("both.pem"), both, 0o600); err != nil {
		return err
	}
	flags := c.apiServerFlags()
	for i, flag := range flags {
		name, _, _ := strings.Cut(flag, "=")
		switch name {
		case "--secure-port":
			flags[i] = name + "=" + secondPort
		case "--tls-cert-file":
			flags[i] = name + "=" + c.nextCA.file("kube-apiserver.pem")
		case "--tls-private-key-file":
			flags[i] = name + "=" + c.nextCA.file("kube-apiserver-key.pem")
		case "--client-ca-file":
			flags[i] = name + "=" + c.nextCA.file("both.pem")
		}
	}
	return c.runAs("kube-apiserver-2", filepath.Join(oracles, "kube-apiserver"), flags...)
}

// bothCAs is the CA of the cluster with the one that follows it.
func (c *controlPlane) bothCAs() ([]byte, error) {
	var both []byte
	for _, ca := range []*authority{c.ca, c.nextCA} {
		text, err := os.ReadFile(ca.file("ca.pem"))
		if err != nil {
			return nil, err
		}
		both = append(both, text...)
	}
	return both, nil
}

// rotated ends the first API server. The address that it had leads to the second one, as a load balancer's would; the administrator goes on
// with the new address and trusts the new CA alone.
func (c *controlPlane) rotated() error {
	if err := c.end("kube-apiserver"); err != nil {
		return err
	}
	if err := relay(strings.TrimPrefix(apiURL, "https://"), strings.TrimPrefix(secondURL, "https://")); err != nil {
		return err
	}
	return c.writeKubeconfig(c.kubeconfig, "admin", secondURL, c.nextCA)
}

// secondReady waits for the second API server, and is the administrator's way to it.
func (c *controlPlane) secondReady() (*caller, error) {
	pair, err := tls.LoadX509KeyPair(c.ca.file("admin.pem"), c.ca.file("admin-key.pem"))
	if err != nil {
		return nil, err
	}
	admin, err := newCaller(c.nextCA, secondURL, []tls.Certificate{pair}, "")
	if err != nil {
		return nil, err
	}
	return admin, waitFor("the second API server is ready", 180*time.Second, c.log("kube-apiserver-2"), func() (string, bool) {
		status, text, err := admin.get("/healthz")
		return fmt.Sprint(status, " ", text, " ", err), status == http.StatusOK
	})
}

// relay hands the bytes of each connection on. It ends with this process.
func relay(from, to string) error {
	listener, err := net.Listen("tcp", from)
	if err != nil {
		return err
	}
	go func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer near.Close()
				far, err := net.Dial("tcp", to)
				if err != nil {
					return
				}
				defer far.Close()
				go func() {
					_, _ = io.Copy(far, near)
					_ = far.Close()
				}()
				_, _ = io.Copy(near, far)
			}()
		}
	}()
	return nil
}
