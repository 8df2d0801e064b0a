//go:build unix

package main

import "syscall"

const (
	errAddrInUse   = syscall.EADDRINUSE
	errConnRefused = syscall.ECONNREFUSED
)
