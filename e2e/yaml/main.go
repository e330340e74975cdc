// Command kubectl-yaml reads YAML and JSON as kubectl does, and answers in JSON.
//
// It is the outside truth of a differential test. Standard input is a sequence
// of files: for each, its length in four bytes (big endian) and its bytes. For
// each file one line of JSON goes to standard output: the documents that
// kubectl gets from it up to the first error, and that error.
package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
	"k8s.io/apimachinery/pkg/util/yaml"
	kjson "sigs.k8s.io/json"
)

// bufferSize is that of StreamVisitor in k8s.io/cli-runtime/pkg/resource/visitor.go.
const bufferSize = 4096

func main() {
	if err := run(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "kubectl-yaml:", err)
		os.Exit(1)
	}
}

func run(in io.Reader, out io.Writer) error {
	reader, writer := bufio.NewReader(in), bufio.NewWriter(out)
	encoder := json.NewEncoder(writer)
	encoder.SetEscapeHTML(false)
	for {
		file, err := next(reader)
		if errors.Is(err, io.EOF) {
			return writer.Flush()
		}
		if err != nil {
			return err
		}
		if err := encoder.Encode(read(file)); err != nil {
			return err
		}
	}
}

func next(reader io.Reader) ([]byte, error) {
	var length uint32
	if err := binary.Read(reader, binary.BigEndian, &length); err != nil {
		return nil, err
	}
	file := make([]byte, length)
	if _, err := io.ReadFull(reader, file); err != nil {
		return nil, fmt.Errorf("a file of %d bytes: %w", length, err)
	}
	return file, nil
}

type answer struct {
	Documents []any  `json:"documents"`
	Error     string `json:"error,omitempty"`
}

// extension is runtime.RawExtension without its package, which compiles slowly.
type extension struct{ raw []byte }

func (e *extension) UnmarshalJSON(in []byte) error {
	if !bytes.Equal(in, []byte("null")) {
		e.raw = append([]byte(nil), in...)
	}
	return nil
}

// read decodes as FileVisitor.Visit does, does what StreamVisitor.Visit does
// before it looks at the object, and then what unstructuredJSONScheme does to
// get its fields.
func read(file []byte) answer {
	answer := answer{Documents: []any{}}
	decoded := transform.NewReader(bytes.NewReader(file), unicode.BOMOverride(unicode.UTF8.NewDecoder()))
	decoder := yaml.NewYAMLOrJSONDecoder(decoded, bufferSize)
	for {
		document := extension{}
		if err := decoder.Decode(&document); err != nil {
			if !errors.Is(err, io.EOF) {
				answer.Error = err.Error()
			}
			return answer
		}
		raw := bytes.TrimSpace(document.raw)
		if len(raw) == 0 || bytes.Equal(raw, []byte("null")) {
			continue
		}
		var value any
		if err := kjson.UnmarshalCaseSensitivePreserveInts(raw, &value); err != nil {
			answer.Error = err.Error()
			return answer
		}
		answer.Documents = append(answer.Documents, value)
	}
}
