package launcher

import (
	"fmt"
	"syscall"
)

// reservePort binds a socket with SO_REUSEADDR that never listens. Linux then
// lets a component bind and listen on the same number (Go's listeners set the
// option too), again and again over restarts, but hands it to nobody who asks
// for any free port: neither to another control plane's bind(0) nor to a
// connect(2), which could otherwise take the port of a stopped server, or even
// connect to itself.
func reservePort() (*port, error) {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("reserve a port: socket: %w", err)
	}
	number, err := bindLoopback(fd)
	if err != nil {
		_ = syscall.Close(fd)
		return nil, fmt.Errorf("reserve a port on 127.0.0.1: %w", err)
	}
	return &port{number: number, release: func() { _ = syscall.Close(fd) }}, nil
}

func bindLoopback(fd int) (int, error) {
	if err := syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1); err != nil {
		return 0, err
	}
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return 0, err
	}
	address, err := syscall.Getsockname(fd)
	if err != nil {
		return 0, err
	}
	v4, ok := address.(*syscall.SockaddrInet4)
	if !ok {
		return 0, fmt.Errorf("not an IPv4 socket: %T", address)
	}
	return v4.Port, nil
}
