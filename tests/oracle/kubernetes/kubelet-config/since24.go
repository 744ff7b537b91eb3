//go:build since24

package main

import (
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	_ "k8s.io/component-base/logs/json/register" // the log format that the kubelet's own main package adds
)

// gates are the names with stage and default, as "BETA+!".
func gates() map[string]string {
	all := map[string]string{}
	for name, spec := range utilfeature.DefaultMutableFeatureGate.GetAll() {
		text := string(spec.PreRelease)
		if spec.Default {
			text += "+"
		} else {
			text += "-"
		}
		if spec.LockToDefault {
			text += "!"
		}
		all[string(name)] = text
	}
	return all
}
