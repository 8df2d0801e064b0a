package handshake_test

import (
	"errors"
	"strconv"
	"testing"

	"github.com/molva-ws/molva/handshake"
)

func extensions(t *testing.T, header string) []handshake.Extension {
	t.Helper()
	if header == "" {
		return nil
	}
	list, err := handshake.ParseExtensions([]string{header})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// Names of the wishes and offers that the tables below share.
var (
	noWish = handshake.Deflate{}
	fresh  = handshake.Deflate{ServerNoContextTakeover: true, ClientNoContextTakeover: true}
	small  = handshake.Deflate{ServerMaxWindowBits: 10, ClientMaxWindowBits: 9}
)

func TestNegotiateDeflateAgreesByRFC7692(t *testing.T) {
	for _, test := range []struct {
		name  string
		offer string
		want  handshake.Deflate
		agree string // "" for no compression
	}{
		{"bare", "permessage-deflate", noWish, "permessage-deflate"},
		{"Chrome", "permessage-deflate; client_max_window_bits", noWish, "permessage-deflate"},
		{"other extensions are passed over", "x-foo; a=1, permessage-deflate", noWish, "permessage-deflate"},
		{"quoted value", `permessage-deflate; server_max_window_bits="10"`, noWish,
			"permessage-deflate; server_max_window_bits=10"},

		// §7.1.1.1
		{"server_no_context_takeover is echoed", "permessage-deflate; server_no_context_takeover", noWish,
			"permessage-deflate; server_no_context_takeover"},
		// §7.1.1.2
		{"client_no_context_takeover is used", "permessage-deflate; client_no_context_takeover", noWish,
			"permessage-deflate; client_no_context_takeover"},
		{"no takeover unsolicited", "permessage-deflate", fresh,
			"permessage-deflate; server_no_context_takeover; client_no_context_takeover"},

		// §7.1.2.1
		{"server window as offered", "permessage-deflate; server_max_window_bits=12", noWish,
			"permessage-deflate; server_max_window_bits=12"},
		{"server window of 15 is echoed", "permessage-deflate; server_max_window_bits=15", noWish,
			"permessage-deflate; server_max_window_bits=15"},
		{"server window smaller than offered", "permessage-deflate; server_max_window_bits=12", small,
			"permessage-deflate; server_max_window_bits=10"},
		{"server window smaller than wished", "permessage-deflate; server_max_window_bits=8", small,
			"permessage-deflate; server_max_window_bits=8"},
		{"server window unsolicited", "permessage-deflate", small,
			"permessage-deflate; server_max_window_bits=10"},
		{"a wish of 15 says nothing", "permessage-deflate; client_max_window_bits",
			handshake.Deflate{ServerMaxWindowBits: 15, ClientMaxWindowBits: 15}, "permessage-deflate"},

		// §7.1.2.2
		{"client window as wished", "permessage-deflate; client_max_window_bits", small,
			"permessage-deflate; server_max_window_bits=10; client_max_window_bits=9"},
		{"client window as hinted", "permessage-deflate; client_max_window_bits=11", noWish,
			"permessage-deflate; client_max_window_bits=11"},
		{"client window smaller than hinted", "permessage-deflate; client_max_window_bits=11", small,
			"permessage-deflate; server_max_window_bits=10; client_max_window_bits=9"},
		{"client window smaller than wished", "permessage-deflate; client_max_window_bits=8", small,
			"permessage-deflate; server_max_window_bits=10; client_max_window_bits=8"},
		{"client window not wished without the offer", "permessage-deflate",
			handshake.Deflate{ClientMaxWindowBits: 9}, "permessage-deflate"},

		// §5.2, §7: an offer that cannot be accepted is declined, and the next one taken.
		{"unknown parameter", "permessage-deflate; foo", noWish, ""},
		{"repeated flag", "permessage-deflate; server_no_context_takeover; server_no_context_takeover", noWish, ""},
		{"repeated client flag", "permessage-deflate; client_no_context_takeover; client_no_context_takeover", noWish, ""},
		{"repeated size", "permessage-deflate; server_max_window_bits=9; server_max_window_bits=9", noWish, ""},
		{"repeated client size", "permessage-deflate; client_max_window_bits=9; client_max_window_bits", noWish, ""},
		{"repeated client size, bare first", "permessage-deflate; client_max_window_bits; client_max_window_bits=9", noWish, ""},
		{"repeated bare client size", "permessage-deflate; client_max_window_bits; client_max_window_bits", noWish, ""},
		{"flag with a value", "permessage-deflate; server_no_context_takeover=1", noWish, ""},
		{"client flag with a value", "permessage-deflate; client_no_context_takeover=true", noWish, ""},
		{"server size without a value", "permessage-deflate; server_max_window_bits", noWish, ""},
		{"another name", "x-webkit-deflate-frame", noWish, ""},
		{"name in another case", "Permessage-Deflate", noWish, ""},
		{"nothing offered", "", noWish, ""},
		{"the second offer", "permessage-deflate; foo, permessage-deflate; server_max_window_bits=9", noWish,
			"permessage-deflate; server_max_window_bits=9"},
		{"the first of two", "permessage-deflate; server_max_window_bits=9, permessage-deflate", noWish,
			"permessage-deflate; server_max_window_bits=9"},
		{"a wish out of range is none", "permessage-deflate; client_max_window_bits",
			handshake.Deflate{ServerMaxWindowBits: 7, ClientMaxWindowBits: 16}, "permessage-deflate"},
	} {
		t.Run(test.name, func(t *testing.T) {
			agreed, ok := handshake.NegotiateDeflate(extensions(t, test.offer), test.want)
			if ok != (test.agree != "") || ok && agreed.String() != test.agree {
				t.Errorf("%q: got %q, %t; want %q", test.offer, agreed, ok, test.agree)
			}
		})
	}
}

func TestWindowBitsAreEightToFifteenInPlainDecimal(t *testing.T) {
	for _, param := range []string{"server_max_window_bits", "client_max_window_bits"} {
		for _, value := range []string{"0", "7", "16", "08", "015", "+9", "-9", "9.0", "1e1", "0x9", "99", "150"} {
			t.Run(param+"="+value, func(t *testing.T) {
				offer := extensions(t, "permessage-deflate; "+param+"="+value)
				if agreed, ok := handshake.NegotiateDeflate(offer, noWish); ok {
					t.Errorf("agreed to %q", agreed)
				}
			})
		}
		for bits := handshake.MinWindowBits; bits <= handshake.MaxWindowBits; bits++ {
			t.Run(param+"="+strconv.Itoa(bits), func(t *testing.T) {
				offer := extensions(t, "permessage-deflate; "+param+"="+strconv.Itoa(bits))
				agreed, ok := handshake.NegotiateDeflate(offer, noWish)
				got := agreed.ServerWindowBits() + agreed.ClientWindowBits() - handshake.MaxWindowBits
				if !ok || got != bits {
					t.Errorf("agreed to %q, %t", agreed, ok)
				}
			})
		}
	}
}

func TestClientMatchesTheResponseWithItsOffer(t *testing.T) {
	for _, test := range []struct {
		name     string
		offer    string
		response string
		agreed   string // "" for an error
	}{
		{"bare", "permessage-deflate", "permessage-deflate", "permessage-deflate"},
		{"flags unsolicited", "permessage-deflate",
			"permessage-deflate; server_no_context_takeover; client_no_context_takeover",
			"permessage-deflate; server_no_context_takeover; client_no_context_takeover"},
		{"server window unsolicited", "permessage-deflate", "permessage-deflate; server_max_window_bits=9",
			"permessage-deflate; server_max_window_bits=9"},
		{"server window smaller", "permessage-deflate; server_max_window_bits=10",
			"permessage-deflate; server_max_window_bits=8", "permessage-deflate; server_max_window_bits=8"},
		{"client window given", "permessage-deflate; client_max_window_bits",
			"permessage-deflate; client_max_window_bits=8", "permessage-deflate; client_max_window_bits=8"},
		{"client window left", "permessage-deflate; client_max_window_bits", "permessage-deflate", "permessage-deflate"},
		{"client keeps its word on the window", "permessage-deflate; client_max_window_bits=10",
			"permessage-deflate", "permessage-deflate; client_max_window_bits=10"},
		{"client keeps its word on takeover", "permessage-deflate; client_no_context_takeover",
			"permessage-deflate", "permessage-deflate; client_no_context_takeover"},
		{"quoted value", "permessage-deflate", `permessage-deflate; server_max_window_bits="9"`,
			"permessage-deflate; server_max_window_bits=9"},
		{"the second offer", "permessage-deflate; server_no_context_takeover, permessage-deflate",
			"permessage-deflate", "permessage-deflate"},

		{"not offered", "", "permessage-deflate", ""},
		{"another offered", "x-foo", "permessage-deflate", ""},
		{"another accepted", "permessage-deflate", "x-foo", ""},
		{"two accepted", "permessage-deflate, x-foo", "permessage-deflate, x-foo", ""},
		{"accepted twice", "permessage-deflate", "permessage-deflate, permessage-deflate", ""},
		{"unknown parameter", "permessage-deflate", "permessage-deflate; foo", ""},
		{"repeated parameter", "permessage-deflate",
			"permessage-deflate; server_no_context_takeover; server_no_context_takeover", ""},
		{"flag with a value", "permessage-deflate", "permessage-deflate; server_no_context_takeover=1", ""},
		{"server window without a value", "permessage-deflate", "permessage-deflate; server_max_window_bits", ""},
		{"client window without a value", "permessage-deflate; client_max_window_bits",
			"permessage-deflate; client_max_window_bits", ""},
		{"client window not offered", "permessage-deflate", "permessage-deflate; client_max_window_bits=15", ""},
		{"client window larger", "permessage-deflate; client_max_window_bits=10",
			"permessage-deflate; client_max_window_bits=11", ""},
		{"server window larger", "permessage-deflate; server_max_window_bits=10",
			"permessage-deflate; server_max_window_bits=11", ""},
		{"server window missing", "permessage-deflate; server_max_window_bits=10", "permessage-deflate", ""},
		{"server window of 15 missing", "permessage-deflate; server_max_window_bits=15", "permessage-deflate", ""},
		{"server flag missing", "permessage-deflate; server_no_context_takeover", "permessage-deflate", ""},
		{"window out of range", "permessage-deflate", "permessage-deflate; server_max_window_bits=16", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			offer := handshake.Offer{Key: sampleKey, Extensions: extensions(t, test.offer)}
			response := accepting()
			response.Header.Set("Sec-WebSocket-Extensions", test.response)
			agreed, err := handshake.CheckResponse(response, offer)
			if test.agreed == "" {
				var rejected *handshake.ResponseError
				if !errors.As(err, &rejected) || agreed.Deflate != nil {
					t.Fatalf("got %v, %v; want a *ResponseError", agreed.Deflate, err)
				}
				return
			}
			if err != nil || agreed.Deflate.String() != test.agreed {
				t.Errorf("got %v, %v; want %q", agreed.Deflate, err, test.agreed)
			}
		})
	}
}

func TestDeflateErrorNamesTheParameter(t *testing.T) {
	offer := handshake.Offer{Key: sampleKey, Extensions: []handshake.Extension{handshake.Deflate{}.Extension()}}
	response := accepting()
	response.Header.Set("Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits=9")
	_, err := handshake.CheckResponse(response, offer)
	var deflate *handshake.DeflateError
	if !errors.As(err, &deflate) || deflate.Param != "client_max_window_bits" {
		t.Errorf("got %v", err)
	}
}

func TestDeflateValidateWantsEightToFifteen(t *testing.T) {
	for bits := -2; bits <= 17; bits++ {
		inRange := bits == 0 || 8 <= bits && bits <= 15
		if err := (handshake.Deflate{ServerMaxWindowBits: bits}).Validate(); (err == nil) != inRange {
			t.Errorf("server %d: %v", bits, err)
		}
		inRange = inRange || bits == handshake.AnyWindowBits
		if err := (handshake.Deflate{ClientMaxWindowBits: bits}).Validate(); (err == nil) != inRange {
			t.Errorf("client %d: %v", bits, err)
		}
	}
}

// Every offer, met by every wish, gives an agreement the client accepts and in
// which both sides hold the same parameters.
func TestBothRolesAgreeOnEveryCombination(t *testing.T) {
	for _, offer := range everyDeflate(handshake.AnyWindowBits, 0, 8, 11, 15) {
		for _, wish := range everyDeflate(0, 8, 10, 15) {
			offered := handshake.Offer{Key: sampleKey, Extensions: []handshake.Extension{offer.Extension()}}
			server, ok := handshake.NegotiateDeflate(offered.Extensions, wish)
			if !ok {
				t.Fatalf("offer %q, wish %q: declined", offer, wish)
			}
			response := accepting()
			response.Header.Set("Sec-WebSocket-Extensions", server.String())
			client, err := handshake.CheckResponse(response, offered)
			if err != nil {
				t.Fatalf("offer %q, wish %q, response %q: %v", offer, wish, server, err)
			}
			if client.Deflate.ServerWindowBits() != server.ServerWindowBits() ||
				client.Deflate.ClientWindowBits() != server.ClientWindowBits() ||
				client.Deflate.ServerNoContextTakeover != server.ServerNoContextTakeover ||
				client.Deflate.ClientNoContextTakeover != server.ClientNoContextTakeover {
				t.Errorf("offer %q, wish %q: server has %q, client %q", offer, wish, server, client.Deflate)
			}
		}
	}
}

// everyDeflate combines both flags with bits on each side; the server has no -1.
func everyDeflate(bits ...int) (all []handshake.Deflate) {
	for flags := range 4 {
		for _, server := range bits {
			for _, client := range bits {
				if server != handshake.AnyWindowBits {
					all = append(all, handshake.Deflate{
						ServerNoContextTakeover: flags&1 != 0,
						ClientNoContextTakeover: flags&2 != 0,
						ServerMaxWindowBits:     server,
						ClientMaxWindowBits:     client,
					})
				}
			}
		}
	}
	return all
}
