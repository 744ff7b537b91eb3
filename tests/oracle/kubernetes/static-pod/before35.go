//go:build !since35

package main

import (
	_ "unsafe" // for the links to the kubelet's own functions

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/kubernetes/pkg/apis/core"
)

//go:linkname tryDecodeSinglePod k8s.io/kubernetes/pkg/kubelet/config.tryDecodeSinglePod
func tryDecodeSinglePod(data []byte, defaults func(pod *core.Pod) error) (parsed bool, pod *v1.Pod, err error)

//go:linkname applyDefaults k8s.io/kubernetes/pkg/kubelet/config.applyDefaults
func applyDefaults(pod *core.Pod, source string, isFile bool, node types.NodeName) error

func decode(text []byte) (bool, *v1.Pod, error) {
	return tryDecodeSinglePod(text, func(pod *core.Pod) error {
		return applyDefaults(pod, "/manifest", true, "node")
	})
}
