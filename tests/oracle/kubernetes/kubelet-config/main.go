// Kubelet-config says what upstream's own code thinks of KubeletConfigurations: one JSON document a line on standard input, one answer a line on
// standard output. An answer names what strict decoding, the validation, and what the kubelet reads only when it starts (eviction thresholds)
// object to. With the argument `gates` it lists the feature gates that this kubelet knows instead.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	_ "k8s.io/kubernetes/cmd/kubelet/app" // registers the feature gates of everything that is linked into a kubelet
	kubeletconfig "k8s.io/kubernetes/pkg/kubelet/apis/config"
	kubeletscheme "k8s.io/kubernetes/pkg/kubelet/apis/config/scheme"
	"k8s.io/kubernetes/pkg/kubelet/eviction"
)

type answer struct {
	Decode   string   `json:"decode,omitempty"`
	Validate []string `json:"validate,omitempty"`
	Start    string   `json:"start,omitempty"`
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "kubelet-config:", err)
		os.Exit(1)
	}
}

func run() error {
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	if len(os.Args) == 2 && os.Args[1] == "gates" {
		return json.NewEncoder(out).Encode(gates())
	}
	scheme, _, err := kubeletscheme.NewSchemeAndCodecs()
	if err != nil {
		return err
	}
	decoder := serializer.NewCodecFactory(scheme, serializer.EnableStrict).UniversalDecoder()
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if err := json.NewEncoder(out).Encode(oracle(decoder, lines.Bytes())); err != nil {
			return err
		}
	}
	return lines.Err()
}

func oracle(decoder runtime.Decoder, document []byte) (a answer) {
	// Since 1.32 the defaults panic when a feature gate cannot be set.
	defer func() {
		if problem := recover(); problem != nil {
			a.Validate = append(a.Validate, fmt.Sprint(problem))
		}
	}()
	object, _, err := decoder.Decode(document, nil, nil)
	if err != nil {
		return answer{Decode: err.Error()}
	}
	config := object.(*kubeletconfig.KubeletConfiguration)
	if err := validate(config); err != nil {
		for _, one := range each(err) {
			// That is about this machine, not about the configuration.
			if !strings.Contains(one.Error(), "cgroup v1") {
				a.Validate = append(a.Validate, one.Error())
			}
		}
	}
	_, err = eviction.ParseThresholdConfig(config.EnforceNodeAllocatable, config.EvictionHard, config.EvictionSoft,
		config.EvictionSoftGracePeriod, config.EvictionMinimumReclaim)
	if err != nil {
		a.Start = err.Error()
	}
	return a
}

func each(err error) []error {
	if many, is := err.(interface{ Errors() []error }); is {
		return many.Errors()
	}
	return []error{err}
}
