package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"
)

// caller is somebody who talks to an API server or a kubelet: with a certificate, a token, or nothing.
type caller struct {
	client *http.Client
	base   string
	token  string
}

// newCaller trusts the cluster's CA and shows a certificate, or none.
func newCaller(ca *authority, base string, shown []tls.Certificate, token string) (*caller, error) {
	trusted, err := os.ReadFile(ca.file("ca.pem"))
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(trusted)
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: pool, Certificates: shown}, DisableKeepAlives: len(shown) == 0,
	}
	return &caller{client: &http.Client{Transport: transport, Timeout: 20 * time.Second}, base: base, token: token}, nil
}

// caller shows the certificate NAME.pem of this authority, or none.
func (a *authority) caller(base, name, token string) (*caller, error) {
	var shown []tls.Certificate
	if name != "" {
		pair, err := tls.LoadX509KeyPair(a.file(name+".pem"), a.file(name+"-key.pem"))
		if err != nil {
			return nil, err
		}
		shown = append(shown, pair)
	}
	return newCaller(a, base, shown, token)
}

// call returns the status and the body, whatever they are.
func (c *caller) call(method, path string, body []byte, kind string) (int, string, error) {
	request, err := http.NewRequest(method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	if c.token != "" {
		request.Header.Set("Authorization", "Bearer "+c.token)
	}
	if kind != "" {
		request.Header.Set("Content-Type", kind)
	}
	answer, err := c.client.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	return answer.StatusCode, string(text), err
}

func (c *caller) get(path string) (int, string, error) { return c.call("GET", path, nil, "") }

// read gets an object, which must be there.
func (c *caller) read(path string, into any) error {
	status, text, err := c.get(path)
	if err != nil {
		return err
	}
	if status != http.StatusOK {
		return fmt.Errorf("GET %s: %d %s", path, status, text)
	}
	return json.Unmarshal([]byte(text), into)
}

// post makes an object.
func (c *caller) post(path string, object, into any) error {
	body, err := json.Marshal(object)
	if err != nil {
		return err
	}
	status, text, err := c.call("POST", path, body, "application/json")
	if err != nil {
		return err
	}
	if status/100 != 2 {
		return fmt.Errorf("POST %s: %d %s", path, status, text)
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal([]byte(text), into)
}

type meta struct {
	Name   string            `json:"name"`
	Labels map[string]string `json:"labels"`
}

type condition struct {
	Type    string `json:"type"`
	Status  string `json:"status"`
	Message string `json:"message"`
}

// request is a CertificateSigningRequest, whose fields are the same in v1beta1 and v1.
type request struct {
	Metadata meta `json:"metadata"`
	Spec     struct {
		Username string   `json:"username"`
		Groups   []string `json:"groups"`
		Usages   []string `json:"usages"`
	} `json:"spec"`
	Status struct {
		Conditions  []condition `json:"conditions"`
		Certificate []byte      `json:"certificate"`
	} `json:"status"`
}

// state is what `kubectl get csr` prints.
func (r request) state() string {
	state := "Pending"
	for _, c := range r.Status.Conditions {
		state = c.Type
	}
	if len(r.Status.Certificate) > 0 {
		state += ",Issued"
	}
	return state
}

// machine is a Node.
type machine struct {
	Metadata meta `json:"metadata"`
	Spec     struct {
		Taints []struct {
			Key, Value, Effect string
		} `json:"taints"`
	} `json:"spec"`
	Status struct {
		Conditions []condition `json:"conditions"`
		Addresses  []struct {
			Type, Address string
		} `json:"addresses"`
		NodeInfo struct {
			KubeletVersion string `json:"kubeletVersion"`
		} `json:"nodeInfo"`
	} `json:"status"`
}

func (m machine) ready() condition {
	for _, c := range m.Status.Conditions {
		if c.Type == "Ready" {
			return c
		}
	}
	return condition{}
}
