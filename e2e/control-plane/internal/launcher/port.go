package launcher

// port is a TCP port on 127.0.0.1 for one component. Linux keeps it for us
// until release; see reservePort.
type port struct {
	number  int
	release func()
}
