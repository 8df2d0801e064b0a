//go:build linux

// Package netpoll is the thinnest layer over epoll and non-blocking sockets
// that the benchmarks can stand on. Calls that cannot block go to the kernel
// without telling the Go scheduler, so a system call costs what it costs in C.
package netpoll

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// What a readiness event can say. Hangup covers a half-closed peer as well.
const (
	Readable = unix.EPOLLIN
	Writable = unix.EPOLLOUT
	Hangup   = unix.EPOLLRDHUP | unix.EPOLLHUP | unix.EPOLLERR
)

// An Event names a ready socket by the token it was added with.
type Event = unix.EpollEvent

// Poller is an epoll instance. It is used from one goroutine.
type Poller struct {
	fd     int
	events []Event
}

// NewPoller returns a poller that hands out up to batch events a turn.
func NewPoller(batch int) (*Poller, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("epoll_create1: %w", err)
	}
	return &Poller{fd: fd, events: make([]Event, batch)}, nil
}

// AddListener reports fd as readable for as long as it is (level-triggered).
func (p *Poller) AddListener(fd int, token int32) error {
	return p.add(fd, token, unix.EPOLLIN)
}

// AddConn reports each change of fd once (edge-triggered), readable and
// writable alike, so that no later call to epoll_ctl is needed. The owner reads
// until a read comes back short.
func (p *Poller) AddConn(fd int, token int32) error {
	return p.add(fd, token, unix.EPOLLIN|unix.EPOLLOUT|unix.EPOLLRDHUP|unix.EPOLLET)
}

func (p *Poller) add(fd int, token int32, interest uint32) error {
	event := Event{Events: interest, Fd: token}
	if err := unix.EpollCtl(p.fd, unix.EPOLL_CTL_ADD, fd, &event); err != nil {
		return fmt.Errorf("epoll_ctl: %w", err)
	}
	return nil
}

// Wait blocks until something is ready or milliseconds have passed; -1 waits
// for ever. The events are valid until the next call, and none are a reason to
// call again.
//
// The scheduler does not know that the thread waits, which spares it handing
// the processor on and taking it back. When it wants the thread it sends the
// signal it preempts with, and that ends the wait.
func (p *Poller) Wait(milliseconds int) ([]Event, error) {
	n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(p.fd),
		uintptr(unsafe.Pointer(&p.events[0])), uintptr(len(p.events)), uintptr(milliseconds), 0, 0)
	switch errno {
	case 0:
		return p.events[:n], nil
	case unix.EINTR:
		return nil, nil
	}
	return nil, fmt.Errorf("epoll_wait: %w", errno)
}

// Close gives the epoll instance back.
func (p *Poller) Close() error { return unix.Close(p.fd) }
