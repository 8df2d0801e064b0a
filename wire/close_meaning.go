package wire

// meanings holds what a code tells, in a sentence: RFC 6455 §7.4.1 and the codes registered since.
var meanings = map[CloseCode]string{
	NormalClosure:      "What the connection was for is done.",
	GoingAway:          "Whoever closed goes away: a server shuts down, or a page was left.",
	ProtocolError:      "Whoever closed got a frame that breaks the protocol.",
	UnsupportedData:    "Whoever closed got a type of data that it does not accept, such as binary where it wants text.",
	1004:               "Reserved; it has no meaning yet.",
	NoStatus:           "The close frame had no code.",
	AbnormalClosure:    "The connection ended without a close frame: a process died, the network broke or a proxy cut it.",
	InvalidPayload:     "Whoever closed got data that does not fit its type, such as text that is not UTF-8.",
	PolicyViolation:    "A rule of whoever closed was broken: not let in, too fast, too slow, or one that is not told.",
	MessageTooBig:      "Whoever closed got a message larger than it accepts.",
	MandatoryExtension: "The client needs an extension that the server did not agree to.",
	InternalError:      "The server met an unexpected condition and cannot go on.",
	ServiceRestart:     "The server restarts: connect again after a random delay of some seconds.",
	TryAgainLater:      "The server is overloaded: connect again later.",
	BadGateway:         "A gateway got an invalid answer from the server behind it.",
	TLSHandshake:       "The TLS handshake failed; perhaps the certificate could not be verified.",
	3000:               "Unauthorized: who is connected has to prove who they are first.",
	3003:               "Forbidden: who is connected has no permission for this.",
	3008:               "Timeout: something took longer than whoever closed would wait.",
}

// Meaning returns in a sentence what the code tells. Every code has one: where the registry has no entry, the sentence
// says whose the code's range is (RFC 6455 §7.4.2).
func (c CloseCode) Meaning() string {
	if s := meanings[c]; s != "" {
		return s
	}
	switch {
	case c < 1000 || c >= 5000:
		return "Not a close code."
	case c < 3000:
		return "Reserved for the protocol and its extensions; it has no meaning yet."
	case c < 4000:
		return "A code of a library or framework; its documentation has the meaning."
	}
	return "A code of the application's own; its documentation has the meaning."
}
