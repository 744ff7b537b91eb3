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
		Name            string
		Enabled, Masked bool
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

// comparesTree asks the node for every path of its tree.
func (r *replay) comparesTree(n *node) (string, error) {
	text, err := os.ReadFile(r.project.out("nodes", n.Name, "tree.json"))
	if err != nil {
		return "", err
	}
	var wanted tree
	if err := json.Unmarshal(text, &wanted); err != nil {
		return "", err
	}
	if len(wanted.Entries) < 20 {
		return "", fmt.Errorf("tree.json has %d entries", len(wanted.Entries))
	}
	var asked strings.Builder
	asked.WriteString(`look() {
    facts=$(stat -c '%a %u %g' "$1")
    if [ -L "$1" ]; then
        echo "symlink $facts $(readlink "$1")"
    elif [ -d "$1" ]; then
        echo "directory $facts"
    elif [ -f "$1" ]; then
        set -- $(sha256sum <"$1")
        echo "file $facts $1"
    else
        echo "nothing"
    fi
}
`)
	var expected []string
	for _, entry := range wanted.Entries {
		fmt.Fprintf(&asked, "look '%s'\n", entry.Path)
		facts := fmt.Sprintf("%s: %s %s %d %d %s%s", entry.Path, entry.Type, strings.TrimLeft(entry.Mode, "0"), entry.UID, entry.GID, entry.Sha256, entry.Target)
		expected = append(expected, strings.TrimSpace(facts))
	}
	for _, unit := range wanted.Units {
		fmt.Fprintf(&asked, "systemctl is-enabled '%s' || :\n", unit.Name)
		expected = append(expected, unit.Name+": "+unitState(unit.Enabled, unit.Masked))
	}
	said, err := r.onNode(n, asked.String())
	if err != nil {
		return said, err
	}
	lines := strings.Split(strings.TrimSpace(said), "\n")
	if len(lines) != len(expected) {
		return said, fmt.Errorf("%d answers to %d questions", len(lines), len(expected))
	}
	var wrong []string
	for i, one := range expected {
		name, facts, _ := strings.Cut(one, ": ")
		if facts != lines[i] && !(facts == stateUnset && !strings.Contains(lines[i], "masked")) {
			wrong = append(wrong, fmt.Sprintf("%s is %q, not %q", name, lines[i], facts))
		}
	}
	if len(wrong) > 0 {
		return "", fmt.Errorf("%s", strings.Join(wrong, "; "))
	}
	return fmt.Sprintf("%d paths and %d units are as they should be", len(wanted.Entries), len(wanted.Units)), nil
}

// stateUnset is a unit's state where the node leaves it to the image.
const stateUnset = "as the image says"

// unitState is what systemctl calls a unit of the tree.
func unitState(enabled, masked bool) string {
	switch {
	case masked:
		return "masked"
	case enabled:
		return "enabled"
	default:
		return stateUnset
	}
}
