// Static-pod says whether a kubelet runs a manifest as a static pod: one file a line on standard input, each a JSON string with the file's text,
// and one answer a line on standard output. It calls the kubelet's own function for a file of staticPodPath, with the kubelet's own defaults.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"

	v1 "k8s.io/api/core/v1"
	"k8s.io/kubernetes/pkg/capabilities"
	_ "k8s.io/kubernetes/pkg/kubelet/config"
)

// answer has the pod that the kubelet would run, or why it runs none.
type answer struct {
	Pod   string `json:"pod,omitempty"`
	Error string `json:"error,omitempty"`
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "static-pod:", err)
		os.Exit(1)
	}
}

func run() error {
	// As cmd/kubelet/app/server.go does it: what may be privileged is the API server's to say.
	capabilities.Initialize(capabilities.Capabilities{AllowPrivileged: true})
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		var text string
		if err := json.Unmarshal(lines.Bytes(), &text); err != nil {
			return err
		}
		if err := json.NewEncoder(out).Encode(oracle([]byte(text))); err != nil {
			return err
		}
	}
	return lines.Err()
}

func oracle(text []byte) (a answer) {
	// A kubelet that panics runs no pod either.
	defer func() {
		if problem := recover(); problem != nil {
			a = answer{Error: fmt.Sprint("panic: ", problem)}
		}
	}()
	_, pod, err := decode(text)
	if err != nil {
		return answer{Error: err.Error()}
	}
	return answer{Pod: name(pod)}
}

func name(pod *v1.Pod) string {
	return pod.Namespace + "/" + pod.Name
}
