package wire

import (
	"strings"
	"testing"
)

// TestEveryCloseCodeHasAMeaning also holds that each is one sentence for a terminal's line.
func TestEveryCloseCodeHasAMeaning(t *testing.T) {
	for code := range 1 << 16 {
		s := CloseCode(code).Meaning()
		if len(s) > 110 || !strings.HasSuffix(s, ".") {
			t.Errorf("%d: %q", code, s)
		}
	}
}

func TestMeaningKnowsTheRegistryAndItsRanges(t *testing.T) {
	for code, want := range map[CloseCode]string{
		0: "Not a close code", 999: "Not a close code", NormalClosure: "is done", 1004: "Reserved;", NoStatus: "no code",
		AbnormalClosure: "without a close frame", TLSHandshake: "TLS", 1016: "Reserved for the protocol",
		2999: "Reserved for the protocol", 3000: "Unauthorized", 3001: "library or framework", 3003: "Forbidden",
		3008: "Timeout", 3999: "library or framework", 4000: "application's own", 4999: "application's own",
		5000: "Not a close code", 65535: "Not a close code",
	} {
		if got := code.Meaning(); !strings.Contains(got, want) {
			t.Errorf("%d: %q, want %q in it", code, got, want)
		}
	}
}
