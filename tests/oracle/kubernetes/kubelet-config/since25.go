//go:build since25

package main

import (
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	kubeletconfig "k8s.io/kubernetes/pkg/kubelet/apis/config"
	"k8s.io/kubernetes/pkg/kubelet/apis/config/validation"
)

func validate(config *kubeletconfig.KubeletConfiguration) error {
	return validation.ValidateKubeletConfiguration(config, utilfeature.DefaultFeatureGate)
}
