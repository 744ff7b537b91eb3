package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// judged is what a kubelet says when it has looked at all of its configuration (kubelet.go, initializeRuntimeDependentModules).
const judged = "Starting Kubelet Plugin Manager"

// silent are lines of a kubelet that runs and has left out, or cannot use, something that it was told.
var silent = []string{
	"Invalid clusterDNS IP", "Invalid clusterDNS ip", "Could not parse --node-ip", "Could not parse some node IP", "can't be loopback", "can't be a multicast",
	"can't be a link-local", "can't be an all zeros", "Failed to start healthz server", "Starting healthz server failed", "Failed to start the server",
	"no such host", "Using lenient decoding",
}

// patience is the longest that a kubelet may take on a busy machine.
const patience = 90 * time.Second

func (s *set) judge(kubelet, socket, work string) (answer, error) {
	if err := s.install(socket, work); err != nil {
		return answer{}, err
	}
	log := work + "/log"
	file, err := os.Create(log)
	if err != nil {
		return answer{}, err
	}
	defer file.Close()
	self, err := os.Executable()
	if err != nil {
		return answer{}, err
	}
	args := []string{"inside", kubelet}
	for _, flag := range s.Flags {
		args = append(args, s.text(flag, socket, work))
	}
	verbosity := "--v=2"
	if s.Show {
		verbosity = "--v=5"
	}
	command := exec.Command(self, append(args, verbosity)...)
	command.Stdout, command.Stderr = file, file
	command.Dir = "/"
	command.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + work}, s.Env...)
	// What runs in the PID namespace ends with its first process, and that with this program.
	command.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWNET |
			syscall.CLONE_NEWIPC | syscall.CLONE_NEWUTS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
		Pdeathsig:   syscall.SIGKILL,
	}
	if err := command.Start(); err != nil {
		return answer{}, err
	}
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()
	verdict, code := s.wait(log, ended)
	if verdict != "refused" {
		command.Process.Kill()
		<-ended
	}
	said, err := os.ReadFile(log)
	if err != nil {
		return answer{}, err
	}
	a := s.answer(verdict, code, string(said))
	if s.Show {
		a.Configuration = json.RawMessage(strings.ReplaceAll(string(configuration(string(said))), work, "/WORK"))
	}
	return a, nil
}

// configuration is what a kubelet of that verbosity logs when it has merged everything: JSON in lines of their own, each after a tab.
func configuration(log string) []byte {
	_, rest, found := strings.Cut(log, "\"KubeletConfiguration\" configuration=<\n")
	text, _, ended := strings.Cut(rest, "\n >\n")
	if !found || !ended {
		return nil
	}
	return []byte(strings.ReplaceAll(strings.TrimPrefix(text, "\t"), "\n\t", "\n"))
}

// wait sees a kubelet to the end of its start.
func (s *set) wait(log string, ended <-chan error) (verdict string, code error) {
	limit := time.After(patience)
	for {
		select {
		case err := <-ended:
			return "refused", err
		case <-limit:
			return "unclear", nil
		case <-time.After(50 * time.Millisecond):
		}
		said, err := os.ReadFile(log)
		if s.Show && configuration(string(said)) != nil {
			return "accepted", nil
		}
		if err == nil && strings.Contains(string(said), judged) {
			// What ends a kubelet beside its main thread does so now: a server that cannot listen, a node without addresses.
			select {
			case err := <-ended:
				return "refused", err
			case <-time.After(500 * time.Millisecond):
				return "accepted", nil
			}
		}
	}
}

func (s *set) answer(verdict string, code error, log string) answer {
	a := answer{Name: s.Name, Verdict: verdict}
	lines := strings.Split(strings.TrimSpace(log), "\n")
	switch verdict {
	case "accepted":
		for _, line := range lines {
			for _, word := range silent {
				if strings.Contains(line, word) {
					a.Verdict, a.Why = "silent", line
				}
			}
		}
	case "refused":
		a.Why = fmt.Sprintf("%v: %s", code, reason(lines))
	default:
		a.Why = strings.Join(lines[max(0, len(lines)-3):], " | ")
	}
	if len(a.Why) > 600 {
		a.Why = a.Why[:600]
	}
	return a
}

// reason is the line that says why a kubelet ended.
func reason(lines []string) string {
	for _, word := range []string{"panic:", "\"command failed\"", "Failed to start ContainerManager", "Failed to initialize internal modules",
		"Failed to register CRI auth plugins", "Error: ", "failed to run Kubelet"} {
		for i := len(lines) - 1; i >= 0; i-- {
			if strings.Contains(lines[i], word) {
				return lines[i]
			}
		}
	}
	for i := len(lines) - 1; i >= 0; i-- {
		if strings.HasPrefix(lines[i], "F") || strings.HasPrefix(lines[i], "E") {
			return lines[i]
		}
	}
	return lines[len(lines)-1]
}

func (s *set) text(text, socket, work string) string {
	return strings.NewReplacer("unix:///CRI", "unix://"+socket, "/CRI", socket, "/WORK", work).Replace(text)
}

func (s *set) install(socket, work string) error {
	files := map[string]string{}
	for name, text := range s.Files {
		files[name] = text
	}
	for name, text := range s.DropIns {
		files["config.d/"+name] = text
	}
	if s.Config != nil {
		var config any
		if err := json.Unmarshal(s.Config, &config); err != nil {
			return err
		}
		files["config.yaml"] = string(s.Config)
	}
	if err := os.MkdirAll(work+"/config.d", 0o755); err != nil {
		return err
	}
	for name, text := range files {
		path := filepath.Join(work, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		mode := os.FileMode(0o644)
		if strings.HasPrefix(text, "#!") {
			mode = 0o755
		}
		if err := os.WriteFile(path, []byte(s.text(text, socket, work)), mode); err != nil {
			return err
		}
	}
	return nil
}

// inside is the first process of the namespaces: it hides what a kubelet must not touch, and becomes the kubelet.
func inside(kubelet string, args []string) error {
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("making / private: %w", err)
	}
	// As on a host. Below a private mount a kubelet binds its folder to itself, and a rename that it does at that moment fails.
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_SHARED, ""); err != nil {
		return fmt.Errorf("making / shared: %w", err)
	}
	if err := syscall.Mount("proc", "/proc", "proc", 0, ""); err != nil {
		return fmt.Errorf("mounting /proc: %w", err)
	}
	// D-Bus, what runs on this machine, and the folders that a kubelet writes whatever it is told.
	for _, folder := range []string{"/run", "/var/lib", "/var/log", "/opt"} {
		if err := syscall.Mount("tmpfs", folder, "tmpfs", 0, ""); err != nil {
			return fmt.Errorf("mounting %s: %w", folder, err)
		}
	}
	if err := syscall.Mount("/dev/null", "/dev/kmsg", "", syscall.MS_BIND, ""); err != nil {
		return fmt.Errorf("binding /dev/kmsg: %w", err)
	}
	return syscall.Exec(kubelet, append([]string{"kubelet"}, args...), os.Environ())
}
