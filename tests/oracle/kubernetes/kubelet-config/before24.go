//go:build !since24

package main

// gates cannot be listed before 1.24: the kubelet of that time tells only those that are neither GA nor deprecated.
func gates() map[string]string {
	return nil
}
