//go:build !linux

package load

import "fmt"

// wholeLoopback is false where only 127.0.0.1 is there unless more are configured.
const wholeLoopback = false

func localPorts() int { return 16384 }

// raiseDescriptors does nothing: Go's runtime raises the soft limit itself.
func raiseDescriptors(*Config) error { return nil }

func descriptorLimit(cfg *Config, err error) error {
	return &LimitError{fmt.Sprintf("%d connections need more descriptors than this process may have", cfg.Conns), err,
		[]string{fmt.Sprintf("ulimit -n %d", cfg.Conns+64)}}
}

func listenOverflows() uint64 { return 0 }
