package main

import (
	"fmt"
	"os"
	"strings"
	"time"
)

// boots: the kernel takes all that it was given, and systemd comes as far as the kubelet.
func (r *replay) boots(n *node) {
	r.step(n.format, "vm-boots", "the kernel unpacks every byte, and systemd starts the kubelet's unit", func() (string, error) {
		begun := time.Now()
		_, err := loggedOr(n, patience, "kubelet.service is started", func() (string, bool) {
			text, _ := os.ReadFile(n.console)
			return lastLines(n.console), strings.Contains(string(text), "Started kubelet.service")
		})
		return fmt.Sprintf("after %.0f s", time.Since(begun).Seconds()), err
	})
}

// joinsAlone: nobody does anything at the machine, and the cluster's administrator approves one certificate.
func (r *replay) joinsAlone(n *node) {
	r.asks(n)
	r.approved(n)
	r.registered(n)
	r.step(n.format, "vm-serving-csr-approved", "after its approval the kubelet serves 10250 with a certificate of the cluster's CA",
		func() (string, error) {
			waiting, err := r.requestIn(n, "system:node:"+n.Name, "Pending", soon)
			if err != nil {
				return "", err
			}
			if _, err := r.cp.kubectl("certificate", "approve", waiting.Metadata.Name); err != nil {
				return "", err
			}
			c, err := r.kubelet(n, "", "")
			if err != nil {
				return "", err
			}
			return loggedOr(n, soon, "port 10250 answers with it", func() (string, bool) {
				status, text, err := c.get("/metrics")
				return fmt.Sprint(status, " ", text, " ", err), err == nil && status > 0
			})
		})
	r.step(n.format, "vm-ready", n.Name+" is Ready", func() (string, error) { return r.waitReady(n, time.Time{}) })
}
