package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// bringsCertificates: a node with certificates of `pki issue` joins without any token and asks for nothing.
func (r *replay) bringsCertificates() {
	n := r.newNode("tarball", brings)
	r.step(n.format, "brings-no-token", "neither the cluster nor the payload has a token for "+brings, func() (string, error) {
		if err := n.lay(r.project, r.Oracles); err != nil {
			return "", err
		}
		if n.tokenID != "" || n.flag("bootstrap-kubeconfig") != "" {
			return "", fmt.Errorf("token %q, --bootstrap-kubeconfig=%s", n.tokenID, n.flag("bootstrap-kubeconfig"))
		}
		if _, err := n.layNetwork(); err != nil {
			return "", err
		}
		return "--kubeconfig=" + n.flag("kubeconfig"), n.start()
	})
	defer n.stop()
	r.registered(n)
	r.step(n.format, "brings-serving", "port 10250 shows the certificate of pki/nodes/"+brings+"/serving.pem", func() (string, error) {
		brought, err := firstCertificate(filepath.Join(r.project.folder, "pki/nodes", brings, "serving.pem"))
		if err != nil {
			return "", err
		}
		return loggedOr(n, soon, "port 10250 shows it", func() (string, bool) {
			shown, err := r.shownBy(n.Address + ":10250")
			if err != nil {
				return err.Error(), false
			}
			return "serial number " + shown.SerialNumber.String(), bytes.Equal(shown.Raw, brought.Raw)
		})
	})
	r.step(n.format, "brings-ready", n.Name+" is Ready, and has asked for no certificate", func() (string, error) {
		seen, err := r.waitReady(n, time.Time{})
		if err != nil {
			return seen, err
		}
		requests, err := r.requests("system:node:" + brings)
		if err == nil && len(requests) > 0 {
			err = fmt.Errorf("it asked %d times", len(requests))
		}
		return seen, err
	})
	r.step(n.format, "brings-kubeconfig", "kubectl reads the node's kubeconfig, and with it is system:node:"+brings, func() (string, error) {
		current := n.resolved(filepath.Join(n.flag("cert-dir"), "kubelet-client-current.pem"))
		// Its path is one of the node's, not of this machine; the rest is as the payload has it.
		said, err := ask(r.cp.kubectlProgram, "--kubeconfig="+n.in(n.flag("kubeconfig")), "--client-certificate="+current, "--client-key="+current,
			"get", "node", brings, "-o", "name")
		if err == nil && strings.TrimSpace(said) != "node/"+brings {
			err = fmt.Errorf("that is not it")
		}
		return oneLine(said), err
	})
}

// firstCertificate reads the leaf of a PEM file that may hold a key, too.
func firstCertificate(path string) (*x509.Certificate, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type == "CERTIFICATE" {
			return x509.ParseCertificate(block.Bytes)
		}
	}
	return nil, fmt.Errorf("%s holds no certificate", path)
}

// shownBy is the certificate that a server of this cluster shows.
func (r *replay) shownBy(address string) (*x509.Certificate, error) {
	pool := x509.NewCertPool()
	pool.AddCert(r.cp.ca.cert)
	connection, err := tls.Dial("tcp", address, &tls.Config{RootCAs: pool})
	if err != nil {
		return nil, err
	}
	defer connection.Close()
	return connection.ConnectionState().PeerCertificates[0], nil
}
