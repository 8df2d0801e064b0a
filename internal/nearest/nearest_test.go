package nearest

import "testing"

func TestWhatIsMisspeltIsFound(t *testing.T) {
	known := []string{"listen", "limits", "message", "messages"}
	for name, want := range map[string]string{
		"lisen": "listen", "Listen": "listen", "limit": "limits", "mesage": "message", "message": "message",
		"elephant": "", "": "", "li": "",
	} {
		if got := Find(name, known); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

func TestWhoIsFarOffIsToldWhatThereIs(t *testing.T) {
	if got := Suggest("elephant", []string{"a", "b"}); got != "; there are: a, b" {
		t.Error(got)
	}
	if got := Suggest("lisen", []string{"listen"}); got != `; did you mean "listen"?` {
		t.Error(got)
	}
}
