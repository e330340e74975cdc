//go:build !linux

package launcher

import "syscall"

// sysProcAttr keeps a terminal's Ctrl-C for the launcher, which then ends the
// components in their order. There is no parent-death signal here: a launcher
// that is killed outright leaves its components running.
func sysProcAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}
