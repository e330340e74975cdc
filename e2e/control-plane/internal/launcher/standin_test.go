package launcher

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// The launcher's tests run this test binary itself in the place of the
// upstream programs: small servers with the same flags and health endpoints.
// What the real ones do with those flags is for the harness's tests.
func TestMain(m *testing.M) {
	words := append([]string{filepath.Base(os.Args[0])}, os.Args[1:]...)
	if len(words) > 1 && words[0] == filepath.Base(selfPath()) {
		words = words[1:]
	}
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer cancel()
	var err error
	switch words[0] {
	case "up":
		err = Up(ctx, words[1:], os.Stdin, os.Stdout, os.Stderr)
	case Etcd:
		err = standInEtcd(ctx, words[1:])
	case APIServer:
		err = standInAPIServer(ctx, words[1:])
	case ControllerManager:
		<-ctx.Done()
	default:
		os.Exit(m.Run())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func selfPath() string {
	self, err := os.Executable()
	if err != nil {
		panic(err)
	}
	return self
}

// flagValue finds one flag among many that are none of our business.
func flagValue(args []string, name string) string {
	for _, arg := range args {
		if value, found := strings.CutPrefix(arg, "--"+name+"="); found {
			return value
		}
	}
	return ""
}

func standInEtcd(ctx context.Context, args []string) error {
	client, err := url.Parse(flagValue(args, "listen-client-urls"))
	if err != nil {
		return err
	}
	healthy := func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprint(w, `{"health":"true"}`) }
	return serveUntil(ctx, client.Host, "", "", healthy)
}

func standInAPIServer(ctx context.Context, args []string) error {
	if flagValue(args, "broken") != "" {
		return fmt.Errorf("unknown flag: --broken")
	}
	tokens, err := os.ReadFile(flagValue(args, "token-auth-file"))
	if err != nil {
		return err
	}
	ready := func(w http.ResponseWriter, r *http.Request) {
		token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if token == "" || !strings.Contains("\n"+string(tokens), "\n"+token+",") {
			w.WriteHeader(http.StatusUnauthorized)
		}
	}
	return serveUntil(ctx, net.JoinHostPort("127.0.0.1", flagValue(args, "secure-port")),
		flagValue(args, "tls-cert-file"), flagValue(args, "tls-private-key-file"), ready)
}

func serveUntil(ctx context.Context, address, certFile, keyFile string, handler http.HandlerFunc) error {
	listener, err := net.Listen("tcp4", address)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: handler}
	go func() {
		<-ctx.Done()
		_ = server.Close()
	}()
	if certFile == "" {
		err = server.Serve(listener)
	} else {
		err = server.ServeTLS(listener, certFile, keyFile)
	}
	if err == http.ErrServerClosed {
		return nil
	}
	return err
}
