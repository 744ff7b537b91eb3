package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// unit is what this run does of a systemd unit: the command that ExecStart= names, word for word, where and how often.
type unit struct {
	Exec    []string
	WorkDir string
	Restart time.Duration
}

// readUnit reads kubelet.service as a payload left it below root, or else that of Kubernetes' packages.
func readUnit(root string) (unit, error) {
	text, err := os.ReadFile(filepath.Join(root, "etc/systemd/system/kubelet.service"))
	if os.IsNotExist(err) {
		return readPackageUnit(root)
	}
	if err != nil {
		return unit{}, err
	}
	read := unit{WorkDir: "/"}
	section := ""
	// A backslash at the end of a line joins it with the next one by a blank.
	for _, line := range strings.Split(strings.ReplaceAll(string(text), "\\\n", " "), "\n") {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") {
			section = line
			continue
		}
		key, value, found := strings.Cut(line, "=")
		if section != "[Service]" || !found || strings.HasPrefix(line, "#") {
			continue
		}
		switch key {
		case "ExecStart":
			read.Exec = strings.Fields(value)
		case "WorkingDirectory":
			read.WorkDir = value
		case "RestartSec":
			if read.Restart, err = time.ParseDuration(value + "s"); err != nil {
				return unit{}, err
			}
		}
	}
	if len(read.Exec) == 0 || strings.ContainsAny(strings.Join(read.Exec, ""), `"'%$`) {
		return unit{}, fmt.Errorf("kubelet.service: no ExecStart that this run understands: %q", read.Exec)
	}
	return read, nil
}

// flag is the value of --name=value in ExecStart.
func (u unit) flag(name string) string {
	for _, word := range u.Exec[1:] {
		if value := strings.TrimPrefix(word, "--"+name+"="); value != word {
			return value
		}
	}
	return ""
}
