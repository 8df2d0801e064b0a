// Package console is an interactive client for any WebSocket server: lines typed are sent, what arrives is printed. It
// works as well between pipes.
//
// [Run] is the whole of it. Messages go to the output; the life of the connection, answers to commands and errors go
// to the error stream.
package console
