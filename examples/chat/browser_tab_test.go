//go:build browser

package main

import "fmt"

// tab is a page in the browser. What fails in it fails the test.
type tab struct {
	*browser
	session string
}

// screen is the size of a window, in CSS pixels.
type screen struct {
	name          string
	width, height int
	mobile        bool
}

var (
	phone   = screen{"phone", 360, 720, true}
	desktop = screen{"desktop", 1200, 800, false}
)

// do calls a method of the DevTools protocol.
func (t *tab) do(method string, params args, result any) {
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

// run runs an expression in the page, waits for it if it is a promise, and stores its value unless into is nil. It
// returns what was thrown, or "".
func (t *tab) run(expression string, into any) (thrown string) {
	t.Helper()
	var returned struct {
		exception
		Result struct{ Value any }
	}
	returned.Result.Value = into
	t.do("Runtime.evaluate", args{"expression": expression, "awaitPromise": true, "returnByValue": into != nil}, &returned)
	return returned.String()
}

// eval is run for an expression that throws nothing.
func (t *tab) eval(expression string, into any) {
	t.Helper()
	if thrown := t.run(expression, into); thrown != "" {
		t.Fatalf("%s\n%s", expression, thrown)
	}
}

// is tells whether a condition holds in the page.
func (t *tab) is(condition string) bool {
	t.Helper()
	var holds bool
	t.eval("!!("+condition+")", &holds)
	return holds
}

// until waits for a condition to hold in the page.
func (t *tab) until(condition string) {
	t.Helper()
	thrown := t.run(fmt.Sprintf(`new Promise((resolve, reject) => {
		const check = setInterval(() => (%s) && (clearInterval(check), resolve()), 20);
		setTimeout(() => reject(new Error("in vain; the page reads:\n" + document.body.innerText)), %d);
	})`, condition, patience.Milliseconds()), nil)
	if thrown != "" {
		t.Fatalf("waiting for %s\n%s", condition, thrown)
	}
}

// click clicks on what a selector finds.
func (t *tab) click(selector string) {
	t.Helper()
	t.eval(fmt.Sprintf("document.querySelector(%s).click()", encode(selector)), nil)
}

// insert types a text into what has the focus.
func (t *tab) insert(text string) {
	t.Helper()
	t.do("Input.insertText", args{"text": text}, nil)
}

// press presses a key: Enter or Tab.
func (t *tab) press(key string) {
	t.Helper()
	code := map[string]int{"Tab": 9, "Enter": 13}[key]
	down := args{"type": "keyDown", "key": key, "code": key, "windowsVirtualKeyCode": code}
	if key == "Enter" {
		down["text"] = "\r"
	}
	t.do("Input.dispatchKeyEvent", down, nil)
	t.do("Input.dispatchKeyEvent", args{"type": "keyUp", "key": key, "code": key, "windowsVirtualKeyCode": code}, nil)
}

// show puts the page on a screen, by day ("light") or night ("dark").
func (t *tab) show(on screen, scheme string) {
	t.Helper()
	t.do("Page.bringToFront", nil, nil) // what is behind is not painted
	t.do("Emulation.setDeviceMetricsOverride",
		args{"width": on.width, "height": on.height, "deviceScaleFactor": 2, "mobile": on.mobile}, nil)
	t.do("Emulation.setEmulatedMedia",
		args{"features": []args{{"name": "prefers-color-scheme", "value": scheme}}}, nil)
}

// screenshot returns the page as a PNG.
func (t *tab) screenshot() []byte {
	t.Helper()
	var picture struct{ Data []byte } // base64 in JSON
	t.do("Page.captureScreenshot", args{"format": "png"}, &picture)
	return picture.Data
}
