//go:build !unix && !windows

package console

func isTerminal(any) bool { return false }

func columns(descriptor) int { return 0 }

func allowEscapes(any) bool { return false }

func isBrokenPipe(error) bool { return false }
