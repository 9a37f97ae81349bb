package egress

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzOrder: what is taken of an order can be listened on, and becomes no more than one variable or one line.
func FuzzOrder(f *testing.F) {
	for _, seed := range []string{
		`{"on":true,"ports":[{"port":1234,"host":"host.lms-computer.internal","hostPort":1234}],"env":{"TOKEN":"x"}}`, `{}`, `null`,
		`{"ports":[{"port":70000,"host":"a","hostPort":1}]}`, `{"ports":[{"port":1,"host":"a\nb","hostPort":1}]}`, `{"env":{"LD_PRELOAD":"x"}}`, `{"env":{"A\u0000":"x"}}`,
		`{"trust":"-----BEGIN CERTIFICATE-----x-----END CERTIFICATE----------BEGIN CERTIFICATE-----"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var asked order
		if json.Unmarshal(data, &asked) != nil || asked.validate() != nil {
			return
		}
		if len(asked.Ports) > maxPorts || len(asked.Trust) > maxTrustBytes {
			t.Fatalf("%q: let through", data)
		}
		for _, p := range asked.Ports {
			if p.Port < 1 || p.Port > 65535 || p.HostPort < 1 || p.HostPort > 65535 || strings.ContainsAny(p.Host, " \r\n\x00\"\\") || !utf8.ValidString(p.Host) {
				t.Fatalf("%q: %+v", data, p)
			}
		}
		for name, value := range asked.Env {
			if name == "" || strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_") != "" || strings.Contains(value, "\x00") {
				t.Fatalf("%q: %q=%q", data, name, value)
			}
		}
		if !asked.equal(asked) {
			t.Fatalf("%q: is not like itself", data)
		}
		left := asked.Trust
		for _, certificate := range certificates(asked.Trust) {
			_, after, found := strings.Cut(left, pemBegin+certificate+pemEnd)
			if !found {
				t.Fatalf("%q: %q is not in it, or not in this order", data, certificate)
			}
			left = after
		}
	})
}

// FuzzRefusal: whatever a host says, a client reads one answer of HTTP.
func FuzzRefusal(f *testing.F) {
	f.Add(403, "Refused", "why\n")
	f.Add(200, "OK\r\nx: y\r\n\r\n", strings.Repeat("é", 5000))
	f.Add(-1, strings.Repeat("é", 200)+"\x00", "")
	f.Fuzz(func(t *testing.T, status int, reason, text string) {
		r := refusal{status, reason, text}.proper()
		line := fmt.Sprintf("HTTP/1.1 %d %s", r.Status, r.Reason)
		if len(line) > 220 || r.Status < 400 || r.Status > 599 || len(r.Text) > 4096 || strings.ContainsFunc(line, func(c rune) bool { return c < ' ' || c > '~' }) {
			t.Fatalf("%d %q %q: %q, %d bytes", status, reason, text, line, len(r.Text))
		}
	})
}

// FuzzVerdicts: lines from a host reach no connection but the one that they name, and never wait for anybody.
func FuzzVerdicts(f *testing.F) {
	f.Add([]byte("{\"id\":\"1\",\"take\":true}\n{\"id\":\"2\",\"pass\":true}\nnonsense\n"))
	f.Add(bytes.Repeat([]byte("{\"id\":\"1\"}\n"), 100))
	f.Fuzz(func(t *testing.T, data []byte) {
		one := &connection{verdicts: make(chan verdict, 4)}
		cs := carriers{waiting: map[string]*connection{"1": one}}
		cs.hear(bytes.NewReader(data))
		for len(one.verdicts) > 0 {
			if said := <-one.verdicts; said.ID != "1" {
				t.Fatalf("%q: got %+v", data, said)
			}
		}
	})
}
