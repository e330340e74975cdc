// Command control-plane is a Kubernetes control plane in one binary, for
// tests, demos and benchmarks on machines without a cluster: "up" starts etcd,
// kube-apiserver and kube-controller-manager as processes of their own, each
// of which, and kubectl, is a subcommand too.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"tagwatch.dev/e2e/control-plane/internal/component"
	"tagwatch.dev/e2e/control-plane/internal/launcher"
)

const usage = `Usage: control-plane COMMAND [flags]

Commands:
  up                       start a control plane (up --help tells more)
  etcd                     the upstream program, with its own flags
  kube-apiserver           likewise
  kube-controller-manager  likewise
  kubectl                  likewise
`

func main() {
	if len(os.Args) < 2 {
		fmt.Fprint(os.Stderr, usage)
		os.Exit(2)
	}
	command, args := os.Args[1], os.Args[2:]
	if command == "up" {
		os.Exit(up(args))
	}
	err := component.Run(command, args)
	if errors.Is(err, component.ErrUnknown) {
		fmt.Fprintf(os.Stderr, "control-plane: unknown command %q\n\n%s", command, usage)
		os.Exit(2)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "control-plane: %s: %v\n", command, err)
		os.Exit(1)
	}
}

func up(args []string) int {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	err := launcher.Up(ctx, args, os.Stdin, os.Stdout, os.Stderr)
	switch {
	case err == nil:
		return 0
	case errors.Is(err, flag.ErrHelp):
		return 0
	default:
		fmt.Fprintf(os.Stderr, "control-plane: %v\n", err)
		return 1
	}
}
