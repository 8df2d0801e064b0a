package buffer

import (
	"bytes"
	"testing"
)

func TestGetHoldsWhatWasAskedFor(t *testing.T) {
	for _, n := range []int{0, 1, 511, 512, 513, 4096, 4097, 1 << 24, 1<<24 + 1} {
		b := Get(n)
		if b.Len() != 0 || b.Cap() < n {
			t.Errorf("Get(%d): len %d, cap %d", n, b.Len(), b.Cap())
		}
		if n <= 1<<24 && n > 512 && b.Cap() >= 2*n {
			t.Errorf("Get(%d): cap %d wastes half", n, b.Cap())
		}
		b.Free()
	}
}

func TestAppendKeepsContentWhileGrowing(t *testing.T) {
	b := Get(1)
	defer b.Free()
	var want []byte
	for i := range 3000 {
		piece := bytes.Repeat([]byte{byte(i)}, i%97)
		b.Append(piece)
		want = append(want, piece...)
		if !bytes.Equal(b.Bytes(), want) {
			t.Fatalf("content differs after %d appends", i+1)
		}
	}
}

func TestSpaceAndCommit(t *testing.T) {
	b := Get(512)
	defer b.Free()
	b.Append([]byte("ab"))
	n := copy(b.Space(), "cde")
	b.Commit(n)
	if got := string(b.Bytes()); got != "abcde" {
		t.Fatalf("got %q", got)
	}
}

func TestNilBufferIsEmpty(t *testing.T) {
	var b *Buffer
	b.Free()
	if b.Len() != 0 || b.Bytes() != nil {
		t.Fatal("nil buffer is not empty")
	}
}

func TestFreeTakesOnlyWholeClasses(t *testing.T) {
	b := Get(600)
	b.Set(make([]byte, 0, 700))
	b.Free()
	for range 100 {
		if got := Get(600); got.Cap() < 600 {
			t.Fatalf("a buffer of %d bytes came back from the class of 1024", got.Cap())
		}
	}
}

func BenchmarkGetFree(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		Get(4096).Free()
	}
}
