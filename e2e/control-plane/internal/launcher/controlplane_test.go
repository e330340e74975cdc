package launcher

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

func testOptions(t *testing.T) Options {
	t.Helper()
	return Options{
		Executable: selfPath(),
		ReadyLimit: 20 * time.Second,
		StopLimit:  20 * time.Second,
		Progress:   testLog{t},
	}
}

// testLog writes progress to the log of the test.
type testLog struct{ t *testing.T }

func (l testLog) Write(line []byte) (int, error) {
	l.t.Log(strings.TrimSpace(string(line)))
	return len(line), nil
}

func start(t *testing.T, opts Options) *ControlPlane {
	t.Helper()
	c, err := Start(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// alive tells a running process from one that is gone or a zombie: whoever
// adopts the children of a killed launcher may never reap them.
func alive(pid int) bool {
	if stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat")); err == nil {
		_, state, _ := strings.Cut(string(stat), ") ")
		return !strings.HasPrefix(state, "Z")
	}
	return !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH)
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within 20 s: %s", what)
		}
	}
}

// kubeconfigField reads one scalar of the kubeconfig, without a YAML library.
func kubeconfigField(t *testing.T, path, name string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`(?m)^ *` + name + `: (\S+)$`).FindSubmatch(text)
	if found == nil {
		t.Fatalf("no %s in %s", name, text)
	}
	return string(found[1])
}

func clientOf(t *testing.T, roots *x509.CertPool) *http.Client {
	t.Helper()
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: 10 * time.Second}
}

func TestKubeconfigVerifiesTheServerAndAuthenticates(t *testing.T) {
	ready := start(t, testOptions(t)).Ready()
	ca, err := base64.StdEncoding.DecodeString(kubeconfigField(t, ready.Kubeconfig, "certificate-authority-data"))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(ca) {
		t.Fatalf("no certificate in %q", ca)
	}
	server := kubeconfigField(t, ready.Kubeconfig, "server")
	if server != ready.Server {
		t.Errorf("kubeconfig names %s, the ready line %s", server, ready.Server)
	}
	for _, test := range []struct {
		token string
		want  int
	}{{kubeconfigField(t, ready.Kubeconfig, "token"), http.StatusOK}, {"wrong", http.StatusUnauthorized}} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server+"/readyz", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization", "Bearer "+test.token)
		response, err := clientOf(t, roots).Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode != test.want {
			t.Errorf("token %.5s…: status %d, want %d", test.token, response.StatusCode, test.want)
		}
	}

	var unknown *tls.CertificateVerificationError
	response, err := clientOf(t, x509.NewCertPool()).Get(server + "/readyz")
	if err == nil {
		_ = response.Body.Close()
	}
	if !errors.As(err, &unknown) {
		t.Errorf("a client without the CA got %v, want a verification error", err)
	}
}

func TestCloseLeavesNothingBehind(t *testing.T) {
	c, err := Start(t.Context(), testOptions(t))
	if err != nil {
		t.Fatal(err)
	}
	ready := c.Ready()
	if len(ready.Components) != 3 {
		t.Fatalf("running: %v, want three components", ready.Components)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	for name, component := range ready.Components {
		if alive(component.PID) {
			t.Errorf("%s still runs as %d", name, component.PID)
		}
	}
	if _, err := os.Stat(ready.DataDir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s is still there: %v", ready.DataDir, err)
	}
}

func TestFailedStartShowsTheLogAndLeavesNothingBehind(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	opts := testOptions(t)
	opts.APIServerArgs = []string{"--broken=1"}
	_, err := Start(t.Context(), opts)
	if err == nil || !strings.Contains(err.Error(), "unknown flag: --broken") {
		t.Fatalf("got %v, want the end of the API server's log", err)
	}
	left, err := os.ReadDir(os.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestTakenPortIsTriedAgain(t *testing.T) {
	taken, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = taken.Close() })
	number := taken.Addr().(*net.TCPAddr).Port
	// Each component is given the taken port first.
	calls := 0
	opts := testOptions(t)
	opts.reserve = func() (*port, error) {
		calls++
		if calls%2 == 1 {
			return &port{number: number, release: func() {}}, nil
		}
		return reservePort()
	}
	for name, component := range start(t, opts).Ready().Components {
		if component.Port == number {
			t.Errorf("%s claims to listen on %d, which is taken", name, number)
		}
	}
	if calls != 4 {
		t.Errorf("asked for %d ports, want 4: two for each of two components", calls)
	}
}

func TestRestartKeepsThePort(t *testing.T) {
	c := start(t, testOptions(t))
	before := c.Ready()
	for _, end := range []func(string) error{c.StopComponent, c.KillComponent} {
		for _, component := range []string{APIServer, Etcd} {
			if err := end(component); err != nil {
				t.Fatal(err)
			}
			if _, running := c.Ready().Components[component]; running {
				t.Errorf("%s counts as running after its end", component)
			}
			if _, err := c.StartComponent(t.Context(), component); err != nil {
				t.Fatal(err)
			}
			was, is := before.Components[component], c.Ready().Components[component]
			if is.Port != was.Port || is.PID == was.PID {
				t.Errorf("%s: was %+v, is %+v, want the same port and another process", component, was, is)
			}
		}
	}
}

func TestDataFolderOfAnotherIsRefused(t *testing.T) {
	opts := testOptions(t)
	opts.DataDir = t.TempDir()
	if err := os.WriteFile(filepath.Join(opts.DataDir, "kubeconfig"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Start(t.Context(), opts); err == nil || !strings.Contains(err.Error(), "is not empty") {
		t.Fatalf("got %v, want a refusal", err)
	}
}

func TestAssets(t *testing.T) {
	opts := testOptions(t)
	opts.Assets = t.TempDir()
	link := func(name string) {
		if err := os.Symlink(selfPath(), filepath.Join(opts.Assets, name)); err != nil {
			t.Fatal(err)
		}
	}
	link(Etcd)
	if _, err := Start(t.Context(), opts); err == nil || !strings.Contains(err.Error(), "no kube-apiserver in") {
		t.Fatalf("without an API server: got %v", err)
	}
	link(APIServer)
	var progress strings.Builder
	opts.Progress = io.MultiWriter(&progress, testLog{t})
	c := start(t, opts)
	if !strings.Contains(progress.String(), "WARNING: there is no kube-controller-manager") {
		t.Errorf("no warning of the missing controller manager in %q", progress.String())
	}
	if _, err := c.StartComponent(t.Context(), ControllerManager); err == nil {
		t.Error("started a controller manager that is not there")
	}
}
