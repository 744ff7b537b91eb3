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
	At, Took              time.Duration // when it ended, since the run began
}

// recorder collects steps. The first one that fails ends what it belongs to: what follows would only fail because of it.
type recorder struct {
	version string
	begun   time.Time // of the run
	steps   []step
	quiet   bool   // a mutation's steps are not part of the report
	fails   string // the step that is to fail in vain waiting
	log     string // explains what no node's log does
}

// limit is how long a step waits: not long where nothing is to come.
func (r *recorder) limit(step string) time.Duration {
	if step == r.fails {
		return soon / 6
	}
	return soon
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
		Version: r.version, Format: format, Name: name, Expected: expected, Seen: oneLine(seen), Good: err == nil,
		At: time.Since(r.begun), Took: time.Since(begun),
	}
	if err != nil {
		done.Seen = strings.TrimSpace(done.Seen + " " + err.Error())
		if !strings.Contains(done.Seen, endOfLog) {
			done.Seen += "; " + lastLines(r.log)
		}
	}
	r.steps = append(r.steps, done)
	if !r.quiet {
		done.print()
	}
	if err != nil {
		panic(stopped{done})
	}
}

// broken ends a run that cannot go on.
func (r *recorder) broken(what string, err error) {
	r.step("run", what, "it works", func() (string, error) { return "", err })
}

func (s step) print() {
	verdict := "ok  "
	if !s.Good {
		verdict = "FAIL"
	}
	fmt.Printf("%s %s %-9s %-34s %5.1fs at %3.0fs  %s\n", verdict, s.Version, s.Format, s.Name, s.Took.Seconds(), s.At.Seconds(), cut(s.Seen, 150))
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

// endOfLog begins the last lines of a log in what a step says.
const endOfLog = "the end of "

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
	return endOfLog + log + ":\n       " + strings.Join(picked, "\n       ")
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

// loggedOr waits for a condition, but no longer than until the node's kubelet says something that makes it hopeless.
func loggedOr(n *node, limit time.Duration, what string, holds func() (string, bool)) (string, error) {
	var last string
	var reason error
	err := waitFor(what, limit, n.kubeletLog(), func() (string, bool) {
		seen, done := holds()
		last = seen
		if done {
			return seen, true
		}
		if reason = n.complaint(); reason != nil {
			return seen, true
		}
		text, _ := os.ReadFile(n.kubeletLog())
		for _, word := range append(n.fatal, hopeless...) {
			if strings.Contains(string(text), word) {
				reason = fmt.Errorf("the kubelet cannot go on (%q); %s", word, lastLines(n.kubeletLog()))
				return seen, true
			}
		}
		return seen, false
	})
	if reason != nil {
		return last, reason
	}
	return last, err
}

func contains(list []string, one string) bool {
	for _, item := range list {
		if item == one {
			return true
		}
	}
	return false
}

func containsAll(list, wanted []string) bool {
	for _, one := range wanted {
		if !contains(list, one) {
			return false
		}
	}
	return true
}
