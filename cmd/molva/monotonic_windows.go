package main

// monotonicMicroseconds returns 0: there is no service manager here that wants it.
func monotonicMicroseconds() int64 { return 0 }
