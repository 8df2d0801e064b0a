//go:build !purego

package wire

import "golang.org/x/sys/cpu"

// hasUTF8Vector reports whether this processor runs validUTF8Vector.
func hasUTF8Vector() bool { return cpu.X86.HasAVX2 }
