// Kubernetes-rules says of each text on its standard input, one JSON string a line, whether upstream's own code takes it: as a duration (its
// nanoseconds or "-"), a quantity, a DNS subdomain, a label's key and a label's value (1 or 0).
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation"
)

func main() {
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		var text string
		if err := json.Unmarshal(lines.Bytes(), &text); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		duration := "-"
		if value, err := time.ParseDuration(text); err == nil {
			duration = fmt.Sprint(value.Nanoseconds())
		}
		_, notQuantity := resource.ParseQuantity(text)
		fmt.Fprintln(out, duration, bit(notQuantity == nil), bit(len(validation.IsDNS1123Subdomain(text)) == 0),
			bit(len(validation.IsQualifiedName(text)) == 0), bit(len(validation.IsValidLabelValue(text)) == 0))
	}
}

func bit(yes bool) int {
	if yes {
		return 1
	}
	return 0
}
