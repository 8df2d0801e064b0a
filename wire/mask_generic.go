//go:build purego || !(amd64 || arm64)

package wire

// maskLong masks more than maskShortMax bytes.
func maskLong(dst, src []byte, key uint32) { maskPortable(dst, src, key) }
