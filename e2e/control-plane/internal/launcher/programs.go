package launcher

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// programs says how each component is called: the words before its own flags.
// One that is absent is not there.
type programs map[string][]string

// findPrograms takes the components from opts.Assets or, without it, from
// opts.Executable.
func findPrograms(opts Options) (programs, error) {
	found := programs{}
	for _, name := range []string{Etcd, APIServer, ControllerManager, Kubectl} {
		if opts.Assets == "" {
			found[name] = []string{opts.Executable, name}
			continue
		}
		path, err := filepath.Abs(filepath.Join(opts.Assets, name))
		if err != nil {
			return nil, fmt.Errorf("assets: %w", err)
		}
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			continue
		} else if err != nil {
			return nil, fmt.Errorf("assets: %w", err)
		}
		found[name] = []string{path}
	}
	for _, needed := range []string{Etcd, APIServer} {
		if found[needed] == nil {
			return nil, fmt.Errorf("assets: there is no %s in %s (--assets or KUBEBUILDER_ASSETS): "+
				"expected the folder of the upstream binaries", needed, opts.Assets)
		}
	}
	return found, nil
}

// argv is the whole command line of a component.
func (c *ControlPlane) argv(component string) []string {
	var flags []string
	switch component {
	case Etcd:
		flags = c.etcdFlags()
	case APIServer:
		flags = c.apiServerFlags()
	case ControllerManager:
		flags = c.controllerManagerFlags()
	}
	return append(append([]string{}, c.programs[component]...), flags...)
}

func (c *ControlPlane) etcdFlags() []string {
	client := c.etcdURL()
	return []string{
		"--name=default",
		"--data-dir=" + c.files.etcdData,
		"--listen-client-urls=" + client,
		"--advertise-client-urls=" + client,
		// The only member: nobody ever connects to its peer port.
		"--listen-peer-urls=http://127.0.0.1:0",
		// In milliseconds. A single member waits one election time before it
		// votes for itself; the usual second is for real networks.
		"--heartbeat-interval=10",
		"--election-timeout=100",
		"--log-level=warn",
		// The data is thrown away in the end; a killed process loses nothing
		// of it, only a killed machine would.
		"--unsafe-no-fsync",
	}
}

func (c *ControlPlane) apiServerFlags() []string {
	flags := []string{
		"--etcd-servers=" + c.etcdURL(),
		fmt.Sprintf("--secure-port=%d", c.ports[APIServer].number),
		"--bind-address=127.0.0.1",
		// Without these two it looks for an address of the machine to write
		// into the endpoints of the service "kubernetes".
		"--advertise-address=127.0.0.1",
		"--endpoint-reconciler-type=none",
		"--cert-dir=" + filepath.Dir(c.files.serverCert),
		"--tls-cert-file=" + c.files.serverCert,
		"--tls-private-key-file=" + c.files.serverKey,
		"--service-account-key-file=" + c.files.serviceAccountKey,
		"--service-account-signing-key-file=" + c.files.serviceAccountKey,
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-cluster-ip-range=10.0.0.0/24",
		"--token-auth-file=" + c.files.tokens,
		"--authorization-mode=RBAC",
		"--allow-privileged=true",
		// Without it a SIGTERM waits up to a minute for open watches to end.
		"--shutdown-watch-termination-grace-period=2s",
		"--audit-policy-file=" + c.files.auditPolicy,
		"--audit-log-path=" + c.files.auditLog,
		// In MB. Readers follow one file by offset: it is never rotated.
		"--audit-log-maxsize=1000000",
	}
	if c.opts.FeatureGates != "" {
		flags = append(flags, "--feature-gates="+c.opts.FeatureGates)
	}
	return append(flags, c.opts.APIServerArgs...)
}

func (c *ControlPlane) controllerManagerFlags() []string {
	return []string{
		"--kubeconfig=" + c.files.controllerManagerKubeconfig,
		"--use-service-account-credentials",
		"--leader-elect=false",
		"--service-account-private-key-file=" + c.files.serviceAccountKey,
		"--root-ca-file=" + c.files.caCert,
		"--controllers=*",
		// The usual 20 requests a second stretch its own start over 7 s, and
		// the pods of a thousand Deployments over minutes.
		"--kube-api-qps=1000",
		"--kube-api-burst=1000",
		"--secure-port=0",
		// There is no kubelet to renew a Node's lease. The Nodes that tests
		// write stay as they wrote them.
		"--node-monitor-grace-period=87600h",
	}
}
