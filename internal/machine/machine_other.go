//go:build !linux

package machine

import "fmt"

// Of returns nothing: what the limits are is not known here. Go's runtime raises that on descriptors itself.
func Of() Limits { return Limits{} }

// LiftDescriptors returns the commands by which a process may have so many descriptors.
func LiftDescriptors(want uint64) []string { return []string{fmt.Sprintf("ulimit -n %d", want)} }
