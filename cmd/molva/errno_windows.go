package main

import "golang.org/x/sys/windows"

const (
	errAddrInUse   = windows.WSAEADDRINUSE
	errConnRefused = windows.WSAECONNREFUSED
)
