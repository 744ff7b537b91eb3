package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"net"
	"path/filepath"
)

// The signers of kubelets' certificates, since 1.18.
const (
	clientSigner  = "kubernetes.io/kube-apiserver-client-kubelet"
	servingSigner = "kubernetes.io/kubelet-serving"
)

// forgery is a request for a certificate that somebody makes by hand, with the credentials of a node.
type forgery struct {
	step, name   string
	what         string
	reason       string // a part of what the review says
	by           func() (*caller, error)
	commonName   string
	organisation string
	names        []string
	addresses    []string
	usage        string
	signer       string
	left         bool // not proved to be forged: nobody approves it, and nobody denies it
}

// forgedByTokens: whoever holds a token may make any request.
func (r *replay) forgedByTokens(nodes []*node) []forgery {
	first, second, third := nodes[0], nodes[1], nodes[2]
	forged := []forgery{
		{
			step: "impostor", what: "a request for " + second.Name + " made with the token of " + first.Name, reason: "asks to be system:node:" + second.Name,
			by: r.holderOf(first), commonName: "system:node:" + second.Name, organisation: "system:nodes", usage: "client auth", signer: clientSigner,
		},
		{
			step: "wrong-organisation", what: "a request of " + third.Name + " for the organisation system:masters", reason: "organisation must be system:nodes",
			by: r.holderOf(third), commonName: "system:node:" + third.Name, organisation: "system:masters", usage: "client auth", signer: clientSigner,
		},
		{
			step: "serving-by-token", what: "a serving certificate asked for with a token", reason: "a client certificate only", by: r.holderOf(first),
			commonName: "system:node:" + first.Name, organisation: "system:nodes", usage: "server auth", signer: servingSigner, addresses: []string{first.Address},
		},
	}
	if minorOf(r.version) >= 18 { // before, requests name no signer
		forged = append(forged, forgery{
			step: "foreign-signer", what: "a request to the signer of all clients", reason: "may not ask the signer", by: r.holderOf(first),
			commonName: "system:node:" + first.Name, organisation: "system:nodes", usage: "client auth", signer: "kubernetes.io/kube-apiserver-client",
		})
	}
	return named("token", forged)
}

// forgedByNodes: a node that has joined may make requests with its certificate.
func (r *replay) forgedByNodes(nodes []*node) []forgery {
	first, second := nodes[0], nodes[1]
	forged := []forgery{{
		step: "extra-san", what: "a serving certificate with the name of the API server in it", reason: "which is not " + first.Name + "'s", left: true,
		by: r.nodeItself(first), commonName: "system:node:" + first.Name, organisation: "system:nodes", usage: "server auth", signer: servingSigner,
		names: []string{first.Name, "kubernetes.default.svc"}, addresses: []string{first.Address},
	}}
	if minorOf(r.version) < 27 { // later API servers refuse it themselves
		forged = append(forged, forgery{
			step: "serving-impostor", what: "a serving certificate of " + second.Name + " asked for by " + first.Name, reason: "asks to be system:node:" + second.Name,
			by: r.nodeItself(first), commonName: "system:node:" + second.Name, organisation: "system:nodes", usage: "server auth", signer: servingSigner,
			names: []string{second.Name}, addresses: []string{second.Address},
		})
	}
	return named("node", forged)
}

func named(kind string, forged []forgery) []forgery {
	for i := range forged {
		forged[i].name = "forged-by-" + kind + "-" + forged[i].step
	}
	return forged
}

// holderOf is somebody who has read a node's token.
func (r *replay) holderOf(n *node) func() (*caller, error) {
	return func() (*caller, error) {
		token, err := r.tokenOf(n.tokenID)
		if err != nil {
			return nil, err
		}
		return r.cp.ca.caller(apiURL, "", token)
	}
}

// nodeItself is somebody on a node who has read its certificate.
func (r *replay) nodeItself(n *node) func() (*caller, error) {
	return func() (*caller, error) {
		file := n.resolved(filepath.Join(n.flag("cert-dir"), "kubelet-client-current.pem"))
		pair, err := tls.LoadX509KeyPair(file, file)
		if err != nil {
			return nil, err
		}
		return newCaller(r.cp.ca, apiURL, []tls.Certificate{pair}, "")
	}
}

// forge makes the requests. The API server takes them all: what they ask for is not its business.
func (r *replay) forge(forged []forgery) {
	for _, f := range forged {
		r.step("cluster", "forged-"+f.step, "the API server takes "+f.what, func() (string, error) {
			object, err := f.object(r.cp.csrs())
			if err != nil {
				return "", err
			}
			by, err := f.by()
			if err != nil {
				return "", err
			}
			var made request
			err = by.post(r.cp.csrs(), object, &made)
			return made.Metadata.Name + " of " + made.Spec.Username + " is " + made.state(), err
		})
	}
}

func (f forgery) object(path string) (map[string]any, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	asked := &x509.CertificateRequest{
		Subject: pkix.Name{CommonName: f.commonName, Organization: []string{f.organisation}}, DNSNames: f.names,
	}
	for _, address := range f.addresses {
		asked.IPAddresses = append(asked.IPAddresses, net.ParseIP(address))
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, asked, key)
	if err != nil {
		return nil, err
	}
	spec := map[string]any{
		"request": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}),
		"usages":  []string{"digital signature", f.usage},
	}
	version := filepath.Base(filepath.Dir(path))
	if version == "v1" {
		spec["signerName"] = f.signer
	} else {
		spec["usages"] = []string{"digital signature", "key encipherment", f.usage}
	}
	return map[string]any{
		"apiVersion": fmt.Sprintf("certificates.k8s.io/%s", version), "kind": "CertificateSigningRequest",
		"metadata": map[string]any{"name": f.name}, "spec": spec,
	}, nil
}
