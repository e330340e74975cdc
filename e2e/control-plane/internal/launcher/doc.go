// Package launcher starts a Kubernetes control plane on loopback and ends it
// again: etcd, kube-apiserver and kube-controller-manager as children of this
// process, with a CA, tokens, an audit log and a kubeconfig of their own.
//
// It uses only the standard library, so that a machine which already has the
// upstream binaries builds it in seconds and downloads nothing.
package launcher
