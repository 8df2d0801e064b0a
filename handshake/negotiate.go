package handshake

import "strconv"

// NegotiateDeflate chooses, for a server, the first of the client's offers of
// permessage-deflate that it can accept, and returns the parameters both sides
// then live by. It reports false where there is no such offer, and the
// connection opens without compression. An offer with an unknown, repeated or
// malformed parameter is declined and the next one looked at (RFC 7692 §5, §7).
//
// want holds the server's wishes: no context takeover either way, and windows
// of at most so many bits. The agreement is never looser than the offer or the
// wish, with one exception that the RFC dictates: a client that does not offer
// client_max_window_bits keeps its window of 32 KiB (§7.1.2.2). Wishes that do
// not [Deflate.Validate] are taken as none.
func NegotiateDeflate(offers []Extension, want Deflate) (agreed Deflate, ok bool) {
	for _, e := range offers {
		if e.Name != deflateName {
			continue
		}
		if offer, err := parseDeflate(e); err == nil {
			return agreeDeflate(offer, want), true
		}
	}
	return Deflate{}, false
}

// agreeDeflate returns the response of a server with the wishes want to offer.
func agreeDeflate(offer, want Deflate) Deflate {
	agreed := Deflate{
		ServerNoContextTakeover: offer.ServerNoContextTakeover || want.ServerNoContextTakeover,
		ClientNoContextTakeover: offer.ClientNoContextTakeover || want.ClientNoContextTakeover,
	}
	serverBits := min(offer.ServerWindowBits(), want.ServerWindowBits())
	if offer.ServerMaxWindowBits != 0 || serverBits < MaxWindowBits {
		agreed.ServerMaxWindowBits = serverBits // to an offer that has it, even 15 is said (§7.1.2.1)
	}
	clientBits := min(offer.ClientWindowBits(), want.ClientWindowBits())
	if offer.ClientMaxWindowBits != 0 && clientBits < MaxWindowBits {
		agreed.ClientMaxWindowBits = clientBits
	}
	return agreed
}

// acceptedDeflate returns, for a client, the agreement that the extensions in a
// server's response make with the client's offers, nil where the server accepted
// none. The error is a *HeaderError, where an extension was not offered or they
// are several, or a *DeflateError.
func acceptedDeflate(accepted, offers []Extension) (*Deflate, error) {
	if len(accepted) == 0 {
		return nil, nil
	}
	if len(accepted) > 1 {
		return nil, extensionError("more than one extension accepted")
	}
	if accepted[0].Name != deflateName {
		return nil, extensionError(quote(accepted[0].Name) + " accepted, which was not offered")
	}
	response, err := parseDeflate(accepted[0])
	if err != nil {
		return nil, err
	}
	return matchOffers(response, offers)
}

// matchOffers returns the agreement of response with the first of the offers
// that it answers, since a response does not say which one it accepts. If there
// is none, the error is that of the first offer.
func matchOffers(response Deflate, offers []Extension) (*Deflate, error) {
	var first error
	for _, e := range offers {
		if e.Name != deflateName {
			continue
		}
		offer, err := parseDeflate(e)
		if err == nil {
			var agreed Deflate
			if agreed, err = matchDeflate(response, offer); err == nil {
				return &agreed, nil
			}
		}
		if first == nil {
			first = err
		}
	}
	if first == nil {
		first = extensionError(deflateName + " accepted, which was not offered")
	}
	return nil, first
}

// matchDeflate returns the agreement that response makes with offer, or a
// *DeflateError where it is no answer to it (RFC 7692 §7.1).
func matchDeflate(response, offer Deflate) (Deflate, error) {
	switch {
	case offer.ServerNoContextTakeover && !response.ServerNoContextTakeover:
		return Deflate{}, &DeflateError{paramServerNoContextTakeover, "offered, but missing in the response"}
	case offer.ServerMaxWindowBits != 0 && response.ServerMaxWindowBits == 0:
		return Deflate{}, &DeflateError{paramServerMaxWindowBits, "offered, but missing in the response"}
	case response.ServerWindowBits() > offer.ServerWindowBits():
		return Deflate{}, exceeds(paramServerMaxWindowBits, response.ServerMaxWindowBits, offer.ServerMaxWindowBits)
	case response.ClientMaxWindowBits == AnyWindowBits:
		return Deflate{}, &DeflateError{paramClientMaxWindowBits, "no value in the response"}
	case response.ClientMaxWindowBits != 0 && offer.ClientMaxWindowBits == 0:
		return Deflate{}, &DeflateError{paramClientMaxWindowBits, "in the response, but not offered"}
	case response.ClientMaxWindowBits > offer.ClientWindowBits():
		return Deflate{}, exceeds(paramClientMaxWindowBits, response.ClientMaxWindowBits, offer.ClientMaxWindowBits)
	}
	// What the client says of itself binds it, though the server may not echo it
	// (§7.1.1.2, §7.1.2.2).
	agreed := response
	agreed.ClientNoContextTakeover = response.ClientNoContextTakeover || offer.ClientNoContextTakeover
	if agreed.ClientMaxWindowBits == 0 && isWindowBits(offer.ClientMaxWindowBits) {
		agreed.ClientMaxWindowBits = offer.ClientMaxWindowBits
	}
	return agreed, nil
}

func exceeds(param string, got, offered int) *DeflateError {
	return &DeflateError{param, strconv.Itoa(got) + " in the response exceeds the offered " + strconv.Itoa(offered)}
}
