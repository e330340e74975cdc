//go:build !linux

package launcher

import (
	"fmt"
	"net"
)

// reservePort finds a port that was free a moment ago. Other systems than Linux
// have no way to hold one for somebody else to listen on, so a component may
// find it taken; its first start is then tried again on another.
func reservePort() (*port, error) {
	listener, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return nil, fmt.Errorf("find a free port on 127.0.0.1: %w", err)
	}
	defer func() { _ = listener.Close() }()
	address, ok := listener.Addr().(*net.TCPAddr)
	if !ok {
		return nil, fmt.Errorf("not a TCP listener: %T", listener.Addr())
	}
	return &port{number: address.Port, release: func() {}}, nil
}
