package molva

import (
	"testing"
	"unsafe"
)

// An idle connection is this, what the floor below keeps of its socket, and 20 bytes in lists.
func TestConnectionIsSmall(t *testing.T) {
	if n := unsafe.Sizeof(Conn{}); unsafe.Sizeof(uintptr(0)) == 8 && n > 112 {
		t.Errorf("a connection takes %d bytes, which is a size class more than before", n)
	}
}
