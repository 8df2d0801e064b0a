//go:build !purego

package wire

// hasUTF8Vector reports whether this processor runs validUTF8Vector. Every
// arm64 that Go runs on has NEON.
func hasUTF8Vector() bool { return true }
