package main

import "fmt"

// pod reads what a v1 Pod of one release may hold, for static pods. What the API's validation says of its values is not in the types.
func (t *tree) pod() (*facts, error) {
	f := &facts{structs: map[string]map[string]string{}, enums: map[string][]string{}, origin: map[string]string{}}
	p, err := t.load("k8s.io/api/core/v1")
	if err != nil {
		return nil, err
	}
	if _, err := t.named(f, p, "Pod"); err != nil {
		return nil, fmt.Errorf("Pod: %w", err)
	}
	return f, nil
}
