package launcher

import (
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// files is the data folder: where each file of a control plane lies.
type files struct {
	dir     string
	removed bool // in the end, because we made it

	caCert, serverCert, serverKey, serviceAccountKey string
	tokens, auditPolicy, auditLog                    string
	kubeconfig, controllerManagerKubeconfig          string
	etcdData, logDir                                 string
}

// auditPolicy makes two lines of each request, one before anything is done
// about it and one when its answer is complete: who, with which agent, what,
// and with which outcome. So a reader knows what is still to come. A watch gets
// its one line when it ends.
const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [ResponseStarted, Panic]
rules:
- level: Metadata
  verbs: [watch]
  omitStages: [RequestReceived]
- level: Metadata
`

// newFiles lays out the data folder. One that is named must be empty, so that
// no control plane starts on the data, keys or ports of another.
func newFiles(dir string) (*files, error) {
	removed := dir == ""
	var err error
	if removed {
		dir, err = os.MkdirTemp("", "tagwatch-control-plane-")
	} else {
		err = makeEmpty(dir)
	}
	if err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	in := func(elements ...string) string { return filepath.Join(append([]string{dir}, elements...)...) }
	f := &files{
		dir: dir, removed: removed,
		caCert: in("pki", "ca.crt"), serverCert: in("pki", "apiserver.crt"), serverKey: in("pki", "apiserver.key"),
		serviceAccountKey: in("pki", "service-account.key"),
		tokens:            in("tokens.csv"), auditPolicy: in("audit-policy.yaml"), auditLog: in("audit.log"),
		kubeconfig: in("kubeconfig"), controllerManagerKubeconfig: in("controller-manager.kubeconfig"),
		etcdData: in("etcd"), logDir: in("log"),
	}
	for _, folder := range []string{filepath.Dir(f.caCert), f.logDir} {
		if err := os.Mkdir(folder, 0o700); err != nil {
			return nil, fmt.Errorf("data folder: %w", err)
		}
	}
	return f, nil
}

func makeEmpty(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	if len(entries) > 0 {
		return fmt.Errorf("%s is not empty (it holds %q): a control plane starts in a folder of its own",
			dir, entries[0].Name())
	}
	return nil
}

func (f *files) log(component string) string { return filepath.Join(f.logDir, component+".log") }

// identities are the bearer tokens of the two who exist from the start.
type identities struct{ admin, controllerManager string }

// write stores everything that does not depend on a port.
func (f *files) write(keys *pki, who identities) error {
	// Columns: token, user, uid, groups (Kubernetes, "Static token file").
	tokens := fmt.Sprintf("%s,admin,admin,system:masters\n%s,system:kube-controller-manager,kcm\n",
		who.admin, who.controllerManager)
	return errors.Join(
		os.WriteFile(f.caCert, keys.caCert, 0o600),
		os.WriteFile(f.serverCert, keys.serverCert, 0o600),
		os.WriteFile(f.serverKey, keys.serverKey, 0o600),
		os.WriteFile(f.serviceAccountKey, keys.serviceAccountKey, 0o600),
		os.WriteFile(f.tokens, []byte(tokens), 0o600),
		os.WriteFile(f.auditPolicy, []byte(auditPolicy), 0o600),
	)
}

// writeKubeconfigs stores both kubeconfigs, which name the API server's port.
func (f *files) writeKubeconfigs(server string, keys *pki, who identities) error {
	return errors.Join(
		os.WriteFile(f.kubeconfig, kubeconfig(server, keys.caCert, "admin", who.admin), 0o600),
		os.WriteFile(f.controllerManagerKubeconfig,
			kubeconfig(server, keys.caCert, "system:kube-controller-manager", who.controllerManager), 0o600),
	)
}

// kubeconfig carries the CA and the token in itself, so that it can be copied.
func kubeconfig(server string, caCert []byte, user, token string) []byte {
	return fmt.Appendf(nil, `apiVersion: v1
kind: Config
clusters:
- name: tagwatch-e2e
  cluster:
    server: %s
    certificate-authority-data: %s
contexts:
- name: tagwatch-e2e
  context:
    cluster: tagwatch-e2e
    user: %q
current-context: tagwatch-e2e
users:
- name: %q
  user:
    token: %s
`, server, base64.StdEncoding.EncodeToString(caCert), user, user, token)
}
