package wire

import (
	"crypto/rand"
	"encoding/binary"
	"sync"
)

// keyBatch is how many masking keys are drawn from crypto/rand at once: reading them one by one would cost more than
// the masking.
const keyBatch = 256

type keys struct {
	bytes [4 * keyBatch]byte
	used  int
}

var keyBatches = sync.Pool{New: func() any { return &keys{used: 4 * keyBatch} }}

// NewKey returns an unpredictable masking key for one frame, as RFC 6455 §5.3 and §10.3 ask of a client. Any
// goroutine may call it.
func NewKey() uint32 {
	k := keyBatches.Get().(*keys)
	if k.used == len(k.bytes) {
		rand.Read(k.bytes[:]) // never fails: it ends the program instead
		k.used = 0
	}
	key := binary.LittleEndian.Uint32(k.bytes[k.used:])
	k.used += 4
	keyBatches.Put(k)
	return key
}
