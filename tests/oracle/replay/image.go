package main

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"time"
)

// The images of a run: a pod's sandbox and its container. Both hold this very program, which needs no library. On virtual machines the container
// is busybox.
const (
	pauseImage = "localhost/replay/pause:1"
	helloImage = "localhost/replay/hello:1"
	toolsImage = "localhost/replay/busybox:1"
)

// hello is what the container prints; the replay reads it back through the API server and the kubelet.
const hello = "hello from a container on "

// runInContainer is the container's program.
func runInContainer(what string) {
	if what == "hello" {
		fmt.Println(hello + os.Getenv("NODE"))
	}
	if len(os.Args) > 3 && os.Args[3] == "-v" {
		os.Exit(0) // as pause does for the job of `kubeadm upgrade apply`
	}
	time.Sleep(1<<63 - 1)
}

// writeImage writes an image of this program.
func writeImage(path, name, argument string) error {
	return writeProgram(path, name, "/proc/self/exe", "/replay", "in-container", argument)
}

// writeProgram writes a docker-archive that `ctr images import` reads: an image with one program, and how it is started.
func writeProgram(path, name, from string, entrypoint ...string) error {
	program, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	layer, err := archive(map[string][]byte{entrypoint[0][1:]: program})
	if err != nil {
		return err
	}
	config, err := json.Marshal(map[string]any{
		"architecture": runtime.GOARCH, "os": "linux",
		"config": map[string]any{"Entrypoint": entrypoint},
		"rootfs": map[string]any{"type": "layers", "diff_ids": []string{fmt.Sprintf("sha256:%x", sha256.Sum256(layer))}},
	})
	if err != nil {
		return err
	}
	manifest, err := json.Marshal([]map[string]any{
		{"Config": "config.json", "RepoTags": []string{name}, "Layers": []string{"layer.tar"}},
	})
	if err != nil {
		return err
	}
	whole, err := archive(map[string][]byte{"layer.tar": layer, "config.json": config, "manifest.json": manifest})
	if err != nil {
		return err
	}
	return os.WriteFile(path, whole, 0o644)
}

func archive(files map[string][]byte) ([]byte, error) {
	var bytes bytes.Buffer
	writer := tar.NewWriter(&bytes)
	for name, content := range files {
		if err := writer.WriteHeader(&tar.Header{Name: name, Mode: 0o755, Size: int64(len(content))}); err != nil {
			return nil, err
		}
		if _, err := writer.Write(content); err != nil {
			return nil, err
		}
	}
	return bytes.Bytes(), writer.Close()
}
