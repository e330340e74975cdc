package launcher

import (
	"errors"
	"net"
	"strconv"
	"syscall"
	"testing"
)

func TestReservedPortIsForServersOnly(t *testing.T) {
	reserved, err := reservePort()
	if err != nil {
		t.Fatal(err)
	}
	defer reserved.release()
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(reserved.number))
	for restart := range 3 {
		listener, err := net.Listen("tcp4", address)
		if err != nil {
			t.Fatalf("listen, restart %d: %v", restart, err)
		}
		_ = listener.Close()
	}
	// A connection may not take it as its own end, as connect(2) would by
	// chance: the socket of a dialer has no SO_REUSEADDR.
	peer, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = peer.Close() }()
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: reserved.number}}
	connection, err := dialer.Dial("tcp4", peer.Addr().String())
	if err == nil {
		_ = connection.Close()
	}
	if !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("a dialer on the reserved port got %v, want EADDRINUSE", err)
	}
}
