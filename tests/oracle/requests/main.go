// Requests says what Go's own library, which the API server and the signers are built with, makes of requests for
// certificates, and whether they are what the kubelets' signers ask for (k8s.io/kubernetes, pkg/apis/certificates):
//
//	requests TABLE
//
// TABLE is tests/fixtures/csr/crafted.tsv. A line of the answer is the request's name, a tab, and "good" or the reason.
package main

import (
	"bufio"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"os"
	"strings"
)

func main() {
	file, err := os.Open(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		fields := strings.Split(lines.Text(), "\t")
		if len(fields) != 5 {
			fmt.Fprintf(os.Stderr, "not five fields: %q\n", lines.Text())
			os.Exit(1)
		}
		said := "good"
		if err := oracle(fields[2], fields[4]); err != nil {
			said = err.Error()
		}
		fmt.Printf("%s\t%s\n", fields[0], said)
	}
	if err := lines.Err(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func oracle(signer, text string) error {
	der, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return err
	}
	asked, err := x509.ParseCertificateRequest(der)
	if err != nil {
		return err
	}
	if err := asked.CheckSignature(); err != nil {
		return err
	}
	if groups := asked.Subject.Organization; len(groups) != 1 || groups[0] != "system:nodes" {
		return fmt.Errorf("the organisation is %q", groups)
	}
	if name := asked.Subject.CommonName; !strings.HasPrefix(name, "system:node:") {
		return fmt.Errorf("the common name is %q", name)
	}
	names := len(asked.DNSNames) + len(asked.IPAddresses)
	others := len(asked.EmailAddresses) + len(asked.URIs)
	switch {
	case others != 0:
		return fmt.Errorf("it has e-mail addresses or URIs")
	case signer == "client" && names != 0:
		return fmt.Errorf("a client certificate with names")
	case signer == "serving" && names == 0:
		return fmt.Errorf("a serving certificate without names")
	}
	return nil
}
