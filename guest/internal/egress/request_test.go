package egress

import (
	"bufio"
	"bytes"
	"io"
	"strings"
	"testing"
)

func connect(text string) (string, int, error) {
	return readConnect(bufio.NewReaderSize(strings.NewReader(text), maxHeadBytes))
}

func TestConnect(t *testing.T) {
	for text, want := range map[string]struct {
		host string
		port int
	}{
		"CONNECT example.org:443 HTTP/1.1\r\n\r\n":               {"example.org", 443},
		"CONNECT [2001:db8::1]:8443 HTTP/1.0\nHost: x\n\n":       {"2001:db8::1", 8443},
		"CONNECT Example.ORG.:443 HTTP/1.1\r\nHost: y\r\n\r\nab": {"Example.ORG.", 443},
	} {
		host, port, err := connect(text)
		if err != nil || host != want.host || port != want.port {
			t.Errorf("%q: got %q, %d, %v", text, host, port, err)
		}
	}
	for _, text := range []string{
		"", "CONNECT example.org:443 HTTP/1.1\r\n", "CONNECT example.org HTTP/1.1\r\n\r\n", "CONNECT example.org:0 HTTP/1.1\r\n\r\n",
		"CONNECT example.org:70000 HTTP/1.1\r\n\r\n", "CONNECT example.org:+443 HTTP/1.1\r\n\r\n", "CONNECT :443 HTTP/1.1\r\n\r\n",
		"CONNECT exa mple:443 HTTP/1.1\r\n\r\n", "CONNECT a\x00b:443 HTTP/1.1\r\n\r\n", "CONNECT example.org:443 HTTP/2\r\n\r\n",
		"CONNECT " + strings.Repeat("a", 254) + ":443 HTTP/1.1\r\n\r\n",
		"CONNECT example.org:443 HTTP/1.1\r\n" + strings.Repeat("a: b\r\n", 20000) + "\r\n",
	} {
		if host, port, err := connect(text); err == nil {
			t.Errorf("%.60q: expected an error, got %q, %d", text, host, port)
		}
	}
}

func TestWhatFollowsTheHeadIsLeft(t *testing.T) {
	reader := bufio.NewReaderSize(strings.NewReader("CONNECT a:1 HTTP/1.1\r\n\r\n\x16rest"), maxHeadBytes)
	if _, _, err := readConnect(reader); err != nil {
		t.Fatal(err)
	}
	if left, _ := io.ReadAll(reader); string(left) != "\x16rest" {
		t.Fatalf("got %q", left)
	}
}

func FuzzProxyRequest(f *testing.F) {
	for _, seed := range []string{
		"CONNECT example.org:443 HTTP/1.1\r\nHost: example.org\r\n\r\n", "CONNECT [::1]:80 HTTP/1.1\r\n\r\n", "GET http://example.org/ HTTP/1.1\r\n\r\n",
		"\x05\x01\x00\x05\x01\x00\x03\x0bexample.org\x01\xbb", "\x05\x01\x00\x05\x01\x00\x01\x7f\x00\x00\x01\x00\x50", "\x05\x00", "\x05\x01\x02",
		"\x05\x01\x00\x05\x01\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff\x7f\x00\x00\x01\x00\x50",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		reader := bufio.NewReaderSize(bytes.NewReader(data), maxHeadBytes)
		var host string
		var port int
		var err error
		switch {
		case isSocks(reader):
			host, port, _, err = readSocks(reader, io.Discard)
		case isConnect(reader):
			host, port, err = readConnect(reader)
		default:
			return
		}
		if err != nil {
			return
		}
		if port < 1 || port > 65535 || host == "" || len(host) > maxHostBytes || strings.ContainsAny(host, " \r\n\x00\"\\") {
			t.Fatalf("%q: got %q, %d", data, host, port)
		}
	})
}
