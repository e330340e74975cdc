package launcher

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

const (
	probeInterval = 20 * time.Millisecond
	probeLimit    = 5 * time.Second
)

// prober asks the health endpoint of a component until it says yes.
type prober struct {
	client *http.Client
	token  string
}

func newProber(caCert []byte, token string) *prober {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(caCert)
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		// A connection to a server that was killed is of no use later.
		DisableKeepAlives: true,
	}
	return &prober{client: &http.Client{Transport: transport, Timeout: probeLimit}, token: token}
}

// wait returns when url answers 200, p ends, or the limit is over.
func (pr *prober) wait(ctx context.Context, p *process, url string, limit time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	ticker := time.NewTicker(probeInterval)
	defer ticker.Stop()
	last := "was not asked"
	for {
		select {
		case <-p.done:
			return p.exitError()
		case <-ctx.Done():
			return fmt.Errorf("%s: not ready within %s: %s %s (%w); the end of %s:\n%s",
				p.name, limit, url, last, ctx.Err(), p.logPath, p.logTail())
		case <-ticker.C:
		}
		answer, ready := pr.ask(ctx, url)
		if ready {
			return nil
		}
		last = answer
	}
}

func (pr *prober) ask(ctx context.Context, url string) (answer string, ready bool) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err.Error(), false
	}
	request.Header.Set("Authorization", "Bearer "+pr.token)
	request.Header.Set("User-Agent", "control-plane-launcher")
	response, err := pr.client.Do(request)
	if err != nil {
		return err.Error(), false
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(response.Body, tailBytes))
	if err != nil {
		return err.Error(), false
	}
	return fmt.Sprintf("answered %s: %s", response.Status, strings.TrimSpace(string(body))),
		response.StatusCode == http.StatusOK
}
