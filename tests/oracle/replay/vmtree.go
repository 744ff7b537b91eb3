package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// tree is tree.json: what the node is to have.
type tree struct {
	Entries []struct {
		Path, Type, Mode, Sha256, Target string
		UID, GID                         int
	}
	Units []struct {
		Name    string
		Enabled *bool // nothing where it is not said
		Masked  bool
	}
}

// hasItsTree: the running system has what tree.json says, and did what it was to do in the right order.
func (r *replay) hasItsTree(n *node) {
	r.step(n.format, "images-before-kubelet", "the images were imported before the kubelet started, and it started once", func() (string, error) {
		said, err := r.onNode(n, `
systemctl show -P Result nodebake-images.service
systemctl show -P ActiveEnterTimestampMonotonic nodebake-images.service
systemctl show -P ExecMainStartTimestampMonotonic kubelet.service
systemctl show -P NRestarts kubelet.service
ctr -n k8s.io images ls -q`)
		words := strings.Fields(said)
		if err != nil || len(words) < 4 {
			return said, fmt.Errorf("no answer: %v", err)
		}
		imported, _ := strconv.Atoi(words[1])
		started, _ := strconv.Atoi(words[2])
		switch {
		case words[0] != "success" || imported == 0:
			err = fmt.Errorf("the images were not imported")
		case started <= imported:
			err = fmt.Errorf("the kubelet was started before")
		case words[3] != "0":
			err = fmt.Errorf("the kubelet was started again %s times", words[3])
		case !containsAll(words, []string{pauseImage, toolsImage}):
			err = fmt.Errorf("images are missing")
		}
		return said, err
	})
	r.step(n.format, "tree-equals", "every path of tree.json is on the running system with its type, mode, owner and content", func() (string, error) {
		return r.comparesTree(n)
	})
}

// look is a function of the node's shell: what is at a path, in the words of tree.json.
const look = `look() {
    facts=$(stat -c '%a %u %g' "$1")
    if [ -L "$1" ]; then
        echo "symlink $facts $(readlink "$1")"
    elif [ -d "$1" ]; then
        echo "directory $facts"
    elif [ -f "$1" ]; then
        set -- $(sha256sum <"$1")
        echo "file $facts $1"
    else
        echo "something else"
    fi
}
`

// question is asked of the node in a line of shell.
type question struct{ about, line, answer string }

// questions are what the tree says of its paths and units.
func (t tree) questions() (all []question) {
	for _, entry := range t.Entries {
		facts := fmt.Sprintf("%s %s %d %d %s%s", entry.Type, strings.TrimLeft(entry.Mode, "0"), entry.UID, entry.GID, entry.Sha256, entry.Target)
		all = append(all, question{entry.Path, "look '" + entry.Path + "'", strings.TrimSpace(facts)})
	}
	for _, unit := range t.Units {
		state := "disabled"
		switch {
		case unit.Masked:
			state = "masked"
		case unit.Enabled == nil:
			continue // the image decides
		case *unit.Enabled:
			state = "enabled"
		}
		all = append(all, question{unit.Name, "systemctl is-enabled '" + unit.Name + "' || :", state})
	}
	return all
}

// comparesTree asks the node for every path and unit of its tree.
func (r *replay) comparesTree(n *node) (string, error) {
	text, err := os.ReadFile(r.project.out("nodes", n.Name, "tree.json"))
	if err != nil {
		return "", err
	}
	var wanted tree
	if err := json.Unmarshal(text, &wanted); err != nil {
		return "", err
	}
	questions, asked := wanted.questions(), look
	if len(questions) < 20 {
		return "", fmt.Errorf("tree.json has %d entries only", len(questions))
	}
	for _, one := range questions {
		asked += one.line + "\n"
	}
	said, err := r.onNode(n, asked)
	if err != nil {
		return said, err
	}
	answers := strings.Split(strings.TrimSpace(said), "\n")
	if len(answers) != len(questions) {
		return said, fmt.Errorf("%d answers to %d questions", len(answers), len(questions))
	}
	var wrong []string
	for i, one := range questions {
		if answers[i] != one.answer {
			wrong = append(wrong, fmt.Sprintf("%s is %q, not %q", one.about, answers[i], one.answer))
		}
	}
	if len(wrong) > 0 {
		return "", fmt.Errorf("%s", strings.Join(wrong, "; "))
	}
	return fmt.Sprintf("%d paths and units are as they should be", len(questions)), nil
}
