package launcher

import (
	"io"
	"time"
)

// The components, by the names of the upstream programs.
const (
	Etcd              = "etcd"
	APIServer         = "kube-apiserver"
	ControllerManager = "kube-controller-manager"
	Kubectl           = "kubectl"
)

// Options say how a control plane is started.
type Options struct {
	// Executable is the program that holds the components as subcommands;
	// it is this binary itself unless Assets is set.
	Executable string
	// Assets is a folder with the upstream binaries, laid out as that of
	// KUBEBUILDER_ASSETS. Empty: the components of Executable.
	Assets string
	// DataDir holds everything the control plane writes. It must be empty or
	// absent, and it stays. Empty: a temporary folder, removed in the end.
	DataDir string
	// FeatureGates goes to the API server, as in "WatchList=false".
	FeatureGates string
	// APIServerArgs follow the launcher's own flags, so they win.
	APIServerArgs []string
	// ReadyLimit bounds the wait for one component to become ready.
	ReadyLimit time.Duration
	// StopLimit bounds the wait for one component to end after SIGTERM;
	// then it is killed.
	StopLimit time.Duration
	// Progress takes one line for each step.
	Progress io.Writer

	// reserve replaces reservePort in tests of the retry.
	reserve func() (*port, error)
}
