package wire

import (
	"errors"
	"fmt"
)

// tracedInflate is a plain DEFLATE decoder (RFC 1951) for the tests, slow and sharing no code with the flate packages.
// It tells what they do not: how far back the matches reached and whether a block was final.
type tracedInflate struct {
	in  []byte
	bit int // position in in

	out         []byte // begins with the history
	maxDistance int
	final       bool
}

var errTracedEnd = errors.New("traced inflate: input ends")

// run decodes blocks until the input is used up, which must be at the end of a block.
func (t *tracedInflate) run() (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("traced inflate: %v at bit %d", r, t.bit)
		}
	}()
	for (t.bit+7)/8 < len(t.in) {
		if t.bits(1) == 1 {
			t.final = true
		}
		switch kind := t.bits(2); kind {
		case 0:
			t.stored()
		case 1:
			t.compressed(fixedLiterals(), newTracedCode(repeated(5, 30)))
		case 2:
			t.compressed(t.dynamicCodes())
		default:
			panic("reserved block type")
		}
	}
	return nil
}

func (t *tracedInflate) bits(n int) int {
	v := 0
	for i := range n {
		if t.bit/8 >= len(t.in) {
			panic(errTracedEnd)
		}
		v |= int(t.in[t.bit/8]>>(t.bit%8)&1) << i
		t.bit++
	}
	return v
}

func (t *tracedInflate) stored() {
	t.bit = (t.bit + 7) / 8 * 8
	n, complement := t.bits(16), t.bits(16)
	if n != complement^0xffff {
		panic("stored lengths differ")
	}
	at := t.bit / 8
	t.out = append(t.out, t.in[at:at+n]...)
	t.bit += 8 * n
}

func (t *tracedInflate) compressed(literals, distances tracedCode) {
	for {
		symbol := literals.next(t)
		switch {
		case symbol < 256:
			t.out = append(t.out, byte(symbol))
		case symbol == 256:
			return
		default:
			length := t.matchLength(symbol - 257)
			distance := t.distance(distances.next(t))
			t.maxDistance = max(t.maxDistance, distance)
			for range length {
				t.out = append(t.out, t.out[len(t.out)-distance])
			}
		}
	}
}

// matchLength decodes length code 257+i (RFC 1951 §3.2.5).
func (t *tracedInflate) matchLength(i int) int {
	switch {
	case i < 8:
		return 3 + i
	case i == 28:
		return 258
	}
	extra := i/4 - 1
	return 3 + (4+i%4)<<extra + t.bits(extra)
}

func (t *tracedInflate) distance(code int) int {
	if code < 4 {
		return 1 + code
	}
	extra := code/2 - 1
	return 1 + (2+code%2)<<extra + t.bits(extra)
}

func (t *tracedInflate) dynamicCodes() (literals, distances tracedCode) {
	nLiterals, nDistances, nLengths := 257+t.bits(5), 1+t.bits(5), 4+t.bits(4)
	order := []int{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}
	lengthLengths := make([]int, 19)
	for _, i := range order[:nLengths] {
		lengthLengths[i] = t.bits(3)
	}
	lengthCode := newTracedCode(lengthLengths)
	var lengths []int
	for len(lengths) < nLiterals+nDistances {
		switch symbol := lengthCode.next(t); symbol {
		case 16:
			lengths = append(lengths, repeated(lengths[len(lengths)-1], 3+t.bits(2))...)
		case 17:
			lengths = append(lengths, repeated(0, 3+t.bits(3))...)
		case 18:
			lengths = append(lengths, repeated(0, 11+t.bits(7))...)
		default:
			lengths = append(lengths, symbol)
		}
	}
	return newTracedCode(lengths[:nLiterals]), newTracedCode(lengths[nLiterals:])
}

// tracedCode is a canonical Huffman code (RFC 1951 §3.2.2): how many codes have each length, and the symbols in order.
type tracedCode struct {
	count   [16]int
	symbols []int
}

func newTracedCode(lengths []int) tracedCode {
	var c tracedCode
	for length := 1; length < len(c.count); length++ {
		for symbol, l := range lengths {
			if l == length {
				c.count[length]++
				c.symbols = append(c.symbols, symbol)
			}
		}
	}
	return c
}

func (c tracedCode) next(t *tracedInflate) int {
	code, first, index := 0, 0, 0
	for length := 1; length < len(c.count); length++ {
		code |= t.bits(1)
		if code-first < c.count[length] {
			return c.symbols[index+code-first]
		}
		index += c.count[length]
		first = (first + c.count[length]) << 1
		code <<= 1
	}
	panic("no such code")
}

func fixedLiterals() tracedCode {
	lengths := repeated(8, 144)
	lengths = append(lengths, repeated(9, 112)...)
	lengths = append(lengths, repeated(7, 24)...)
	return newTracedCode(append(lengths, repeated(8, 8)...))
}

func repeated(v, n int) []int {
	s := make([]int, n)
	for i := range s {
		s[i] = v
	}
	return s
}
