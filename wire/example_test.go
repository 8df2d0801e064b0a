package wire_test

import (
	"fmt"

	"github.com/molva-ws/molva/wire"
)

// A client's frame comes in two reads. The server decodes it and encodes one of its own.
func Example() {
	d := wire.NewDecoder(wire.Server, nil, nil)
	defer d.Release()

	reads := [][]byte{
		{0x81, 0x85, 0x37, 0xfa, 0x21}, // the masked "Hello" of RFC 6455 §5.7
		{0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58},
	}
	for _, p := range reads {
		for {
			ev, rest, err := d.Next(p)
			if err != nil {
				fmt.Println(err)
				return
			}
			if ev.Op == 0 {
				break // all of p is read
			}
			fmt.Printf("%v %q\n", ev.Op, ev.Payload)
			reply := wire.AppendFrame(nil, wire.Header{Fin: true, Opcode: ev.Op}, ev.Payload)
			fmt.Printf("% x\n", reply)
			p = rest
		}
	}
	// Output:
	// text "Hello"
	// 81 05 48 65 6c 6c 6f
}

func ExampleDecoder_SetStreaming() {
	d := wire.NewDecoder(wire.Client, nil, nil)
	defer d.Release()
	d.SetStreaming(true)

	reads := []string{"\x82\x07one", "two", "\x2e"}
	for _, read := range reads {
		ev, _, err := d.Next([]byte(read))
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%q last=%t\n", ev.Payload, ev.Fin)
	}
	// Output:
	// "one" last=false
	// "two" last=false
	// "." last=true
}

func ExampleParseClose() {
	payload := wire.AppendClose(nil, wire.GoingAway, "back soon")
	code, reason, err := wire.ParseClose(payload)
	fmt.Println(code, reason, err)
	// Output: 1001 going away back soon <nil>
}
