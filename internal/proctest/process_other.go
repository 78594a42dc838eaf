//go:build !linux

package proctest

import "syscall"

// attributes lack a death signal here: after a killed test run its servers must be ended by hand.
func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
