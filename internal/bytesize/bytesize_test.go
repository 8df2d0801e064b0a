package bytesize

import "testing"

func TestSizesAreReadAsPeopleWriteThem(t *testing.T) {
	for s, want := range map[string]Size{
		"1": 1, "4096": 4096, "64k": 64 << 10, "64KiB": 64 << 10, "10MB": 10e6, "1GiB": 1 << 30, " 2 m ": 2 << 20, "7b": 7,
		"10 MiB": 10 << 20, "1g": 1 << 30,
	} {
		var got Size
		if err := got.UnmarshalText([]byte(s)); err != nil || got != want {
			t.Errorf("%q: %d, %v, want %d", s, got, err, want)
		}
	}
	for _, s := range []string{"", "0", "-1", "x", "1x", "1.5k", "2GiB", "k", "99999999999999999999", "9223372036854775807k"} {
		var got Size
		if err := got.UnmarshalText([]byte(s)); err == nil {
			t.Errorf("%q is taken for %d", s, got)
		}
	}
}

func TestSizesAreWrittenSoThatTheyReadTheSame(t *testing.T) {
	for size, want := range map[Size]string{1: "1", 1000: "1000", 1 << 10: "1KiB", 1536: "1536", 64 << 10: "64KiB", 1 << 20: "1MiB", 1 << 30: "1GiB"} {
		text, err := size.MarshalText()
		if err != nil || string(text) != want {
			t.Errorf("%d: %s, %v, want %s", int64(size), text, err, want)
		}
		var back Size
		if err := back.UnmarshalText(text); err != nil || back != size {
			t.Errorf("%s: %d, %v", text, int64(back), err)
		}
	}
}
