package launcher

import "syscall"

// sysProcAttr ties the life of a child to ours. SIGKILL and not SIGTERM: an
// API server whose etcd died with us would drain for a minute. The process
// group of its own keeps a terminal's Ctrl-C for the launcher, which then ends
// the components in their order.
func sysProcAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
