// Package component holds the upstream programs of the control plane as one
// process each: etcd, kube-apiserver, kube-controller-manager and kubectl.
//
// They share one binary, never one process: each keeps global state (logging,
// feature gates, metrics registries) that another would overwrite. A build
// with the tag "assets" leaves all of them out; see none.go.
package component

import (
	"errors"
	"os"
)

// ErrNotBuilt says that this binary was built with the tag "assets" and holds
// no upstream program.
var ErrNotBuilt = errors.New("built with the tag \"assets\": this binary holds no Kubernetes components, " +
	"give the folder of the upstream binaries by --assets or KUBEBUILDER_ASSETS")

// ErrUnknown says that a name is none of the upstream programs.
var ErrUnknown = errors.New("unknown command")

// Run runs the named upstream program on args. Most of them end the process
// themselves, with their own exit code.
func Run(name string, args []string) error {
	run, known := programs[name]
	if !known {
		return ErrUnknown
	}
	if run == nil {
		return ErrNotBuilt
	}
	// The upstream commands read os.Args themselves.
	os.Args = append([]string{name}, args...)
	run()
	return nil
}
