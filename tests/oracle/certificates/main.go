// Certificates says what Go's own libraries, which kubelet and API server are built with, make of certificates and keys:
//
//	certificates client ROOTS TIME PEM             its user and group, if it may call
//	certificates server ROOTS TIME PEM NAME…       its user and group, if it may be called by each of the names
//	certificates handshake ROOTS TIME SERVER CLIENT NAME   both in one TLS connection: whom the server takes the client for
//
// ROOTS and PEM are files; a PEM holds certificate and key. TIME is RFC 3339. What is refused ends with 1 and the reason.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"strings"
	"time"
)

func main() {
	said, err := oracle(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(said)
}

func oracle(args []string) (string, error) {
	if len(args) < 4 {
		return "", fmt.Errorf("too few arguments")
	}
	roots, err := pool(args[1])
	if err != nil {
		return "", err
	}
	at, err := time.Parse(time.RFC3339, args[2])
	if err != nil {
		return "", err
	}
	pair, err := tls.LoadX509KeyPair(args[3], args[3])
	if err != nil {
		return "", err
	}
	switch args[0] {
	case "client":
		return verify(pair, x509.VerifyOptions{Roots: roots, CurrentTime: at, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	case "server":
		said := ""
		for _, name := range args[4:] {
			options := x509.VerifyOptions{Roots: roots, CurrentTime: at, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, DNSName: name}
			if said, err = verify(pair, options); err != nil {
				return "", fmt.Errorf("%s: %w", name, err)
			}
		}
		return said, nil
	case "handshake":
		return handshake(roots, at, pair, args[4], args[5])
	}
	return "", fmt.Errorf("%s is unknown", args[0])
}

func pool(file string) (*x509.CertPool, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%s: no certificates", file)
	}
	return roots, nil
}

func verify(pair tls.Certificate, options x509.VerifyOptions) (string, error) {
	leaf, err := x509.ParseCertificate(pair.Certificate[0])
	if err != nil {
		return "", err
	}
	options.Intermediates = x509.NewCertPool()
	for _, der := range pair.Certificate[1:] {
		between, err := x509.ParseCertificate(der)
		if err != nil {
			return "", err
		}
		options.Intermediates.AddCert(between)
	}
	if _, err := leaf.Verify(options); err != nil {
		return "", err
	}
	// What kube-controller-manager's signers set, and nothing else.
	if leaf.KeyUsage != x509.KeyUsageDigitalSignature || len(leaf.ExtKeyUsage) != 1 || leaf.IsCA || !leaf.BasicConstraintsValid {
		return "", fmt.Errorf("usages %b %v, CA %v", leaf.KeyUsage, leaf.ExtKeyUsage, leaf.IsCA)
	}
	return who(leaf), nil
}

func who(leaf *x509.Certificate) string {
	return leaf.Subject.CommonName + " " + strings.Join(leaf.Subject.Organization, ",")
}

func handshake(roots *x509.CertPool, at time.Time, server tls.Certificate, client, name string) (string, error) {
	caller, err := tls.LoadX509KeyPair(client, client)
	if err != nil {
		return "", err
	}
	now := func() time.Time { return at }
	one, other := net.Pipe()
	called := tls.Server(one, &tls.Config{
		Certificates: []tls.Certificate{server}, ClientCAs: roots, ClientAuth: tls.RequireAndVerifyClientCert, Time: now,
	})
	calling := tls.Client(other, &tls.Config{
		Certificates: []tls.Certificate{caller}, RootCAs: roots, ServerName: name, Time: now,
	})
	failed := make(chan error, 1)
	go func() { failed <- calling.Handshake() }()
	if err := called.Handshake(); err != nil {
		return "", err
	}
	if err := <-failed; err != nil {
		return "", err
	}
	return who(called.ConnectionState().PeerCertificates[0]), nil
}
