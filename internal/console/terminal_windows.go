package console

import (
	"errors"

	"golang.org/x/sys/windows"
)

func isTerminal(stream any) bool {
	file, ok := stream.(descriptor)
	var mode uint32
	return ok && windows.GetConsoleMode(windows.Handle(file.Fd()), &mode) == nil
}

func columns(file descriptor) int {
	var info windows.ConsoleScreenBufferInfo
	if windows.GetConsoleScreenBufferInfo(windows.Handle(file.Fd()), &info) != nil {
		return 0
	}
	return int(info.Window.Right-info.Window.Left) + 1
}

// allowEscapes makes a console understand escape sequences, and reports whether it does.
func allowEscapes(stream any) bool {
	file, ok := stream.(descriptor)
	if !ok {
		return false
	}
	var mode uint32
	console := windows.Handle(file.Fd())
	if windows.GetConsoleMode(console, &mode) != nil {
		return false
	}
	return windows.SetConsoleMode(console, mode|windows.ENABLE_VIRTUAL_TERMINAL_PROCESSING) == nil
}

// isBrokenPipe reports whether nobody reads any more what is written.
func isBrokenPipe(err error) bool {
	return errors.Is(err, windows.ERROR_BROKEN_PIPE) || errors.Is(err, windows.ERROR_NO_DATA)
}
