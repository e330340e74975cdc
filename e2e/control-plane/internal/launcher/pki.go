package launcher

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"time"
)

// pki is what the API server proves itself with and signs tokens with, in PEM.
// The CA's key is not in it: nothing signs a second certificate.
type pki struct {
	caCert, serverCert, serverKey, serviceAccountKey []byte
}

// Tests shift the client's clock by years; certificates shall not be what
// fails then.
const certificateYears = 20

func newPKI() (*pki, error) {
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("CA key: %w", err)
	}
	ca := certificateTemplate("tagwatch-e2e-ca")
	ca.IsCA, ca.BasicConstraintsValid = true, true
	ca.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature
	caDER, err := x509.CreateCertificate(rand.Reader, ca, ca, caKey.Public(), caKey)
	if err != nil {
		return nil, fmt.Errorf("CA certificate: %w", err)
	}
	serverKey, serverKeyPEM, err := newKey()
	if err != nil {
		return nil, fmt.Errorf("serving key: %w", err)
	}
	serverDER, err := x509.CreateCertificate(rand.Reader, servingTemplate(), ca, serverKey.Public(), caKey)
	if err != nil {
		return nil, fmt.Errorf("serving certificate: %w", err)
	}
	_, accountKeyPEM, err := newKey()
	if err != nil {
		return nil, fmt.Errorf("service account key: %w", err)
	}
	return &pki{
		caCert:            encodePEM("CERTIFICATE", caDER),
		serverCert:        encodePEM("CERTIFICATE", serverDER),
		serverKey:         serverKeyPEM,
		serviceAccountKey: accountKeyPEM,
	}, nil
}

func certificateTemplate(commonName string) *x509.Certificate {
	now := time.Now()
	return &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()),
		Subject:      pkix.Name{CommonName: commonName},
		NotBefore:    now.AddDate(-certificateYears, 0, 0),
		NotAfter:     now.AddDate(certificateYears, 0, 0),
	}
}

func servingTemplate() *x509.Certificate {
	serving := certificateTemplate("kube-apiserver")
	serving.KeyUsage = x509.KeyUsageDigitalSignature
	serving.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	serving.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	serving.DNSNames = []string{"localhost", "kubernetes.default.svc"}
	return serving
}

func newKey() (*ecdsa.PrivateKey, []byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return nil, nil, err
	}
	return key, encodePEM("EC PRIVATE KEY", der), nil
}

func encodePEM(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

// newToken is a bearer token of 128 random bits.
func newToken() string {
	secret := make([]byte, 16)
	// crypto/rand.Read never fails; it ends the program instead (Go 1.24).
	_, _ = rand.Read(secret)
	return hex.EncodeToString(secret)
}
