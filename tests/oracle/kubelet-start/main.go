// Kubelet-start lets a real kubelet judge settings: one set of configuration, drop-ins and flags a line on standard input, one answer a line on
// standard output. Each kubelet runs far enough that it has looked at everything, in namespaces of its own and with a stub of a container
// runtime; nobody answers at its API server.
//
//	kubelet-start [-jobs N] KUBELET <sets >answers
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"sync"
)

// set is one line of the input. /WORK in any text is the set's own folder, and /CRI the socket of the stub.
type set struct {
	Name    string            `json:"name"`
	Config  json.RawMessage   `json:"config"`  // --config=/WORK/config.yaml
	DropIns map[string]string `json:"dropIns"` // files below /WORK/config.d
	Files   map[string]string `json:"files"`   // other files below /WORK
	Flags   []string          `json:"flags"`
	Env     []string          `json:"env"`
	Show    bool              `json:"show"` // only until it logs the configuration that it made of all this
}

// answer is one line of the output, in the order of the input.
type answer struct {
	Name    string `json:"name"`
	Verdict string `json:"verdict"` // accepted, refused, silent (it runs and has left something out) or unclear
	Why     string `json:"why,omitempty"`
	// What it logged where that was asked for: Go's names of the internal type.
	Configuration json.RawMessage `json:"configuration,omitempty"`
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == "inside" {
		fatal(inside(os.Args[2], os.Args[3:]))
	}
	jobs := flag.Int("jobs", 2, "kubelets at a time")
	flag.Parse()
	if flag.NArg() != 1 {
		fatal(fmt.Errorf("usage: kubelet-start [-jobs N] KUBELET"))
	}
	if err := run(flag.Arg(0), *jobs); err != nil {
		fatal(err)
	}
}

func fatal(err error) {
	fmt.Fprintln(os.Stderr, "kubelet-start:", err)
	os.Exit(1)
}

func run(kubelet string, jobs int) error {
	folder, err := os.MkdirTemp("/var/tmp", "kubelet-start-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	socket := folder + "/cri.sock"
	stop, err := serve(socket)
	if err != nil {
		return err
	}
	defer stop()

	var sets []set
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var one set
		if err := json.Unmarshal(lines.Bytes(), &one); err != nil {
			return err
		}
		sets = append(sets, one)
	}
	if err := lines.Err(); err != nil {
		return err
	}
	answers := make([]answer, len(sets))
	errs := make([]error, len(sets))
	next := make(chan int)
	var group sync.WaitGroup
	for range jobs {
		group.Add(1)
		go func() {
			defer group.Done()
			for i := range next {
				work := fmt.Sprintf("%s/%d", folder, i)
				answers[i], errs[i] = sets[i].judge(kubelet, socket, work)
				os.RemoveAll(work)
			}
		}()
	}
	for i := range sets {
		next <- i
	}
	close(next)
	group.Wait()
	out := json.NewEncoder(os.Stdout)
	for i := range answers {
		if errs[i] != nil {
			return fmt.Errorf("%s: %w", sets[i].Name, errs[i])
		}
		if err := out.Encode(answers[i]); err != nil {
			return err
		}
	}
	return nil
}
