//go:build linux

package contest

import (
	"context"
	"errors"
	"io"
	"testing"

	"github.com/molva-ws/molva"
)

func TestPHPRefusesWhatTheProtocolForbids(t *testing.T) {
	for name, c := range map[string]struct {
		frames string
		want   molva.CloseCode
	}{
		"no mask":                {"\x81\x00", molva.CloseProtocolError},
		"reserved bit":           {"\xc1\x80\x00\x00\x00\x00", molva.CloseProtocolError},
		"unknown opcode":         {"\x83\x80\x00\x00\x00\x00", molva.CloseProtocolError},
		"long ping":              {"\x89\xfe\x00\xff\x00\x00\x00\x00", molva.CloseProtocolError},
		"continuation of naught": {"\x80\x80\x00\x00\x00\x00", molva.CloseProtocolError},
		"message in a message":   {"\x01\x80\x00\x00\x00\x00\x81\x80\x00\x00\x00\x00", molva.CloseProtocolError},
		"wrong close code":       {"\x88\x82\x00\x00\x00\x00\x03\xed", molva.CloseProtocolError},
		"not UTF-8":              {"\x81\x81\x00\x00\x00\x00\xff", molva.CloseInvalidPayload},
		"64 bits of length":      {"\x82\xff\xff\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x00", molva.CloseMessageTooBig},
	} {
		t.Run(name, func(t *testing.T) {
			s := php()
			if missing, err := shared(t).prepare(t.Context(), &s); missing != "" || err != nil {
				t.Skip(missing, err)
			}
			conn := dial(t, up(t, &s, Cell{Mode: Echo}), nil)
			if _, err := io.WriteString(conn.NetConn(), c.frames); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), testPatience)
			defer cancel()
			_, err := conn.Read(ctx)
			var closed *molva.CloseError
			if !errors.As(err, &closed) || closed.Code != c.want {
				t.Errorf("got %v, want %d", err, c.want)
			}
		})
	}
}
