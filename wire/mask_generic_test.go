//go:build purego || !(amd64 || arm64)

package wire

func maskAssembly() []maskKernel { return nil }
