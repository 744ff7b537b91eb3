//go:build !since25

package main

import (
	kubeletconfig "k8s.io/kubernetes/pkg/kubelet/apis/config"
	"k8s.io/kubernetes/pkg/kubelet/apis/config/validation"
)

func validate(config *kubeletconfig.KubeletConfiguration) error {
	return validation.ValidateKubeletConfiguration(config)
}
