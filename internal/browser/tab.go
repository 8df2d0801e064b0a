package browser

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// Tab is a page in the browser. What fails in it fails the test.
type Tab struct {
	*Browser
	session string
}

// Screen is the size of a window, in CSS pixels.
type Screen struct {
	Name          string
	Width, Height int
	Mobile        bool
}

// The screens that pages are looked at on.
var (
	Phone   = Screen{"phone", 360, 720, true}
	Desktop = Screen{"desktop", 1200, 800, false}
)

// Do calls a method of the DevTools protocol.
func (t *Tab) Do(method string, params Params, result any) {
	t.Helper()
	if err := t.try(t.session, method, params, result); err != nil {
		t.Fatal(err)
	}
}

// exception is what was thrown in a page.
type exception struct {
	ExceptionDetails *struct {
		Exception struct{ Description string }
	}
}

func (e exception) String() string {
	if e.ExceptionDetails == nil {
		return ""
	}
	return e.ExceptionDetails.Exception.Description
}

// Run runs an expression in the page, waits for it if it is a promise, and stores its value unless into is nil. It
// returns what was thrown, or "".
func (t *Tab) Run(expression string, into any) (thrown string) {
	t.Helper()
	var returned struct {
		exception
		Result struct{ Value any }
	}
	returned.Result.Value = into
	t.Do("Runtime.evaluate", Params{"expression": expression, "awaitPromise": true, "returnByValue": into != nil}, &returned)
	return returned.String()
}

// Eval is Run for an expression that throws nothing.
func (t *Tab) Eval(expression string, into any) {
	t.Helper()
	if thrown := t.Run(expression, into); thrown != "" {
		t.Fatalf("%s\n%s", expression, thrown)
	}
}

// Is tells whether a condition holds in the page.
func (t *Tab) Is(condition string) bool {
	t.Helper()
	var holds bool
	t.Eval("!!("+condition+")", &holds)
	return holds
}

// Until waits for a condition to hold in the page.
func (t *Tab) Until(condition string) {
	t.Helper()
	thrown := t.Run(fmt.Sprintf(`new Promise((resolve, reject) => {
		const check = setInterval(() => (%s) && (clearInterval(check), resolve()), 20);
		setTimeout(() => reject(new Error("in vain; the page reads:\n" + document.body.innerText)), %d);
	})`, condition, patience.Milliseconds()), nil)
	if thrown != "" {
		t.Fatalf("waiting for %s\n%s", condition, thrown)
	}
}

// Click clicks on what a selector finds.
func (t *Tab) Click(selector string) {
	t.Helper()
	t.Eval(fmt.Sprintf("document.querySelector(%s).click()", Quote(selector)), nil)
}

// Submit clicks on what a selector finds, and waits for the page to which that leads.
func (t *Tab) Submit(selector string) {
	t.Helper()
	t.Eval("window.before = true", nil)
	t.Click(selector)
	arrived := Params{"expression": `!window.before && document.readyState === "complete"`, "returnByValue": true}
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		var returned struct{ Result struct{ Value any } }
		// Between two pages there is none to ask, which is an error.
		if t.try(t.session, "Runtime.evaluate", arrived, &returned) == nil && returned.Result.Value == true {
			return
		}
	}
	t.Fatalf("%s leads to no other page", selector)
}

// Insert types a text into what has the focus.
func (t *Tab) Insert(text string) {
	t.Helper()
	t.Do("Input.insertText", Params{"text": text}, nil)
}

// Press presses a key: Enter or Tab.
func (t *Tab) Press(key string) {
	t.Helper()
	code := map[string]int{"Tab": 9, "Enter": 13}[key]
	down := Params{"type": "keyDown", "key": key, "code": key, "windowsVirtualKeyCode": code}
	if key == "Enter" {
		down["text"] = "\r"
	}
	t.Do("Input.dispatchKeyEvent", down, nil)
	t.Do("Input.dispatchKeyEvent", Params{"type": "keyUp", "key": key, "code": key, "windowsVirtualKeyCode": code}, nil)
}

// Show puts the page on a screen, by day ("light") or night ("dark").
func (t *Tab) Show(on Screen, scheme string) {
	t.Helper()
	t.Do("Page.bringToFront", nil, nil) // what is behind is not painted
	t.Do("Emulation.setDeviceMetricsOverride",
		Params{"width": on.Width, "height": on.Height, "deviceScaleFactor": 2, "mobile": on.Mobile}, nil)
	t.Do("Emulation.setEmulatedMedia",
		Params{"features": []Params{{"name": "prefers-color-scheme", "value": scheme}}}, nil)
}

// Screenshot returns the page as a PNG.
func (t *Tab) Screenshot() []byte {
	t.Helper()
	var picture struct{ Data []byte } // base64 in JSON
	t.Do("Page.captureScreenshot", Params{"format": "png"}, &picture)
	return picture.Data
}

// Picture checks that the page fits a screen, and leaves a picture of it in $SCREENSHOTS if that is set.
func (t *Tab) Picture(name string, on Screen, scheme string) {
	t.Helper()
	t.Show(on, scheme)
	if !t.Is("document.documentElement.scrollWidth <= innerWidth && document.documentElement.scrollHeight <= innerHeight") {
		t.Errorf("%s is larger than the %s", name, on.Name)
	}
	dir := os.Getenv("SCREENSHOTS")
	if dir == "" {
		return
	}
	t.Eval(`Promise.all(document.getAnimations().map(a => a.effect.getTiming().iterations === 1 && a.finished))`, nil)
	file := filepath.Join(dir, fmt.Sprintf("%s-%s-%s.png", name, on.Name, scheme))
	if err := os.WriteFile(file, t.Screenshot(), 0o644); err != nil {
		t.Error(err)
	}
}

// Quote returns a text as a literal of JavaScript.
func Quote(text string) string {
	b, err := json.Marshal(text)
	if err != nil {
		return `""` // a string can be encoded
	}
	return string(b)
}
