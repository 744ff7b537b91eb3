package main

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"time"
)

// step is one thing that was to be proven.
type step struct {
	Version, Format, Name string
	Expected, Seen        string
	Good                  bool
	Took                  time.Duration
}

// recorder collects steps. The first one that fails ends what it belongs to: what follows would only fail because of it.
type recorder struct {
	version string
	steps   []step
	quiet   bool // a mutation's steps are not part of the report
}

// stopped unwinds to [recorder.attempt].
type stopped struct{ step step }

// attempt runs steps until one fails, which it returns.
func (r *recorder) attempt(steps func()) (failed *step) {
	defer func() {
		if reason := recover(); reason != nil {
			stop, ours := reason.(stopped)
			if !ours {
				panic(reason)
			}
			failed = &stop.step
		}
	}()
	steps()
	return nil
}

// step proves one thing: `prove` returns what it saw, and an error if that is not what was expected.
func (r *recorder) step(format, name, expected string, prove func() (string, error)) {
	begun := time.Now()
	seen, err := prove()
	done := step{
		Version: r.version, Format: format, Name: name, Expected: expected, Seen: oneLine(seen), Good: err == nil, Took: time.Since(begun),
	}
	if err != nil {
		done.Seen = strings.TrimSpace(done.Seen + " " + err.Error())
	}
	r.steps = append(r.steps, done)
	if !r.quiet || err != nil && r.quiet && os.Getenv("REPLAY_DEBUG") != "" {
		done.print()
	}
	if err != nil {
		panic(stopped{done})
	}
}

func (s step) print() {
	verdict := "ok  "
	if !s.Good {
		verdict = "FAIL"
	}
	fmt.Printf("%s %s %-9s %-34s %5.1fs  %s\n", verdict, s.Version, s.Format, s.Name, s.Took.Seconds(), cut(s.Seen, 150))
	if !s.Good {
		fmt.Printf("     expected: %s\n     seen: %s\n", s.Expected, s.Seen)
	}
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

func cut(text string, length int) string {
	if len(text) > length {
		return text[:length] + "…"
	}
	return text
}

// waitFor waits until `holds` says so. What it last saw, and the end of the log that explains it, are in the error.
func waitFor(what string, limit time.Duration, log string, holds func() (seen string, done bool)) error {
	deadline := time.Now().Add(limit)
	for {
		seen, done := holds()
		if done {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("waited %s in vain until %s; last: %s; %s", limit, what, oneLine(seen), lastLines(log))
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// lastLines is the end of a log.
func lastLines(log string) string {
	if log == "" {
		return ""
	}
	text, err := os.ReadFile(log)
	if err != nil {
		return err.Error()
	}
	lines := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
	var picked []string
	for i := len(lines) - 1; i >= 0 && len(picked) < 8; i-- {
		picked = append([]string{cut(string(lines[i]), 400)}, picked...)
	}
	return "the end of " + log + ":\n       " + strings.Join(picked, "\n       ")
}

// logged waits until a node's kubelet says a line with all words, and returns it; a line with one of `fatal` ends the wait.
func logged(n *node, limit time.Duration, words []string, fatal ...string) (string, error) {
	var found string
	var reason error
	err := waitFor(fmt.Sprintf("a line says %q", words), limit, n.kubeletLog(), func() (string, bool) {
		if reason = n.complaint(); reason != nil {
			return "", true
		}
		text, _ := os.ReadFile(n.kubeletLog())
		for _, line := range strings.Split(string(text), "\n") {
			if hasAll(line, words) {
				found = line
				return "", true
			}
			for _, word := range fatal {
				if strings.Contains(line, word) {
					reason = fmt.Errorf("%s", line)
					return "", true
				}
			}
		}
		return "", false
	})
	if reason != nil {
		return "", reason
	}
	return found, err
}

func hasAll(line string, words []string) bool {
	for _, word := range words {
		if !strings.Contains(line, word) {
			return false
		}
	}
	return true
}
