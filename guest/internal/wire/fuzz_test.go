package wire

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// FuzzInt: a number is within what was allowed, and the one that was sent.
func FuzzInt(f *testing.F) {
	for _, query := range []string{"n=5", "n=-1", "n=99999999999999999999", "n=0x5", "n=%35", "n=5&n=900", "m=5", "n", "%zz=1;n=5", "n=+5", "n=５"} {
		f.Add(query)
	}
	f.Fuzz(func(t *testing.T, query string) {
		r := &http.Request{URL: &url.URL{RawQuery: query}}
		n, err := Int(r, "n", 7, 1, 100)
		if err == nil && (n < 1 || n > 100) {
			t.Fatalf("%q: %d", query, n)
		}
		Flag(r, "n")
	})
}

// FuzzFail: every error is an answer that the host can read, of a code and a status that say that it is one.
func FuzzFail(f *testing.F) {
	f.Add("not_found", "no", "path", "/a\xff")
	f.Add("", "", "", "\u2028")
	f.Fuzz(func(t *testing.T, code, message, key, value string) {
		for _, err := range []error{Errorf(code, "%s", message).With(key, value), errors.New(message)} {
			w := httptest.NewRecorder()
			Fail(w, err)
			var said Error
			if json.Unmarshal(w.Body.Bytes(), &said) != nil || w.Code < 400 || w.Code > 599 || strings.Count(w.Body.String(), "\n") != 1 {
				t.Fatalf("%q: %d %q", err, w.Code, w.Body)
			}
		}
	})
}

// FuzzBody: a body over its bound is refused whatever it is, and one that is no JSON changes nothing.
func FuzzBody(f *testing.F) {
	for _, body := range []string{"", "{}", `{"a":1}`, `{"a":1}x`, "nul", strings.Repeat("[", 50), strings.Repeat(" ", 70)} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		const limit = 64
		value := struct{ A int }{7}
		err := Body(httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body)), limit, &value)
		var known *Error
		switch {
		case err == nil && len(body) > limit, err == nil && body != "" && !json.Valid([]byte(body)):
			t.Fatalf("%q: let through", body)
		case err != nil && !errors.As(err, &known):
			t.Fatalf("%q: %v", body, err)
		case err != nil && !json.Valid([]byte(body)) && value.A != 7:
			t.Fatalf("%q: refused, and changed it to %d", body, value.A)
		}
	})
}
