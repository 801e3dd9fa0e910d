// Command manifests reads Kubernetes manifests from standard input and says which have a field that their kind has not, or
// a value of another type; kinds that are not Kubernetes' own are passed over. It exits 1 when there is one.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer/json"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/kubernetes/scheme"
)

func main() {
	faults, err := check(os.Stdin)
	if err != nil {
		fmt.Fprintln(os.Stderr, "manifests:", err)
		os.Exit(2)
	}
	for _, f := range faults {
		fmt.Fprintln(os.Stderr, f)
	}
	if len(faults) > 0 {
		os.Exit(1)
	}
}

// check lists the faults of the documents in r.
func check(r io.Reader) ([]string, error) {
	strict := json.NewSerializerWithOptions(json.DefaultMetaFactory, scheme.Scheme, scheme.Scheme, json.SerializerOptions{Yaml: true, Strict: true})
	documents, known := yaml.NewYAMLReader(bufio.NewReader(r)), 0
	var faults []string
	for {
		text, err := documents.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("read a document: %w", err)
		}
		_, kind, err := strict.Decode(text, nil, nil)
		switch {
		case runtime.IsMissingKind(err): // only comments
		case kind != nil && runtime.IsNotRegisteredError(err): // the definition of it is not here
		case err != nil:
			faults = append(faults, fmt.Sprintf("%v: %v", kind, err))
		default:
			known++
		}
	}
	if known == 0 && faults == nil {
		return nil, errors.New("there is no manifest of a kind that is known")
	}
	return faults, nil
}
