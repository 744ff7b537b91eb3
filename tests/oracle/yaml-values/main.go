// Yaml-values prints what kubectl and the kubelet read in YAML files: each file through the YAML library that they use, duplicate keys
// refused, as one line of JSON with sorted keys. A file with several documents gives one line for each.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"sigs.k8s.io/yaml"
)

func main() {
	for _, path := range os.Args[1:] {
		if err := values(path); err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", path, err)
			os.Exit(1)
		}
	}
}

func values(path string) error {
	text, err := read(path)
	if err != nil {
		return err
	}
	for _, document := range documents(text) {
		asJSON, err := yaml.YAMLToJSONStrict(document)
		if err != nil {
			return err
		}
		// Once more through encoding/json, so that keys are sorted and numbers stay as written.
		var value any
		decoder := json.NewDecoder(bytes.NewReader(asJSON))
		decoder.UseNumber()
		if err := decoder.Decode(&value); err != nil {
			return err
		}
		encoder := json.NewEncoder(os.Stdout)
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(value); err != nil {
			return err
		}
	}
	return nil
}

func read(path string) ([]byte, error) {
	if path == "-" {
		return io.ReadAll(os.Stdin)
	}
	return os.ReadFile(path)
}

// documents splits at lines that are `---`, as Kubernetes' own reader does (apimachinery, pkg/util/yaml).
func documents(text []byte) [][]byte {
	var all [][]byte
	for _, document := range bytes.Split(append([]byte("\n"), text...), []byte("\n---\n")) {
		if len(bytes.TrimSpace(document)) > 0 {
			all = append(all, document)
		}
	}
	return all
}
