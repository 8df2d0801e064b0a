package wire

import (
	"strings"
	"testing"
)

func TestUTF8ReadsNothingOutsideTheText(t *testing.T) {
	page := guardedPage(t)
	text := strings.Repeat("aж日🙂", 100)
	for n := range 301 {
		for _, p := range [][]byte{page[:n], page[len(page)-n:]} {
			copy(p, text[len(text)-n:])
			checkUTF8(t, p)
		}
	}
}
