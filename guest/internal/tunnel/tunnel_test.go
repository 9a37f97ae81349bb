package tunnel

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// serve has the route behind a real HTTP/2 server without TLS, as the host speaks to it.
func serve(t *testing.T) (client *http.Client, url string) {
	mux := http.NewServeMux()
	Register(mux)
	server := httptest.NewUnstartedServer(mux)
	server.Config.Protocols = new(http.Protocols)
	server.Config.Protocols.SetUnencryptedHTTP2(true)
	server.Start()
	t.Cleanup(server.Close)
	transport := &http.Transport{Protocols: new(http.Protocols)}
	transport.Protocols.SetUnencryptedHTTP2(true)
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}, server.URL
}

// program listens in the machine and runs once for every connection.
func program(t *testing.T, address string, run func(*net.TCPConn)) (port int) {
	t.Helper()
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Skipf("no %s here: %v", address, err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go run(conn.(*net.TCPConn))
		}
	}()
	return listener.Addr().(*net.TCPAddr).Port
}

func echo(conn *net.TCPConn) {
	_, _ = io.Copy(conn, conn)
	conn.Close()
}

// through opens a tunnel: what is written to the writer goes in.
func through(t *testing.T, port int) (*http.Response, *io.PipeWriter, context.CancelFunc) {
	t.Helper()
	client, url := serve(t)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	t.Cleanup(cancel)
	reader, writer := io.Pipe()
	request, _ := http.NewRequestWithContext(ctx, "POST", url+"/v1/tunnel?port="+strconv.Itoa(port), reader)
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { response.Body.Close() })
	return response, writer, cancel
}

// part reads one frame; nil is the program's end.
func part(t *testing.T, from io.Reader) []byte {
	t.Helper()
	var header [4]byte
	if _, err := io.ReadFull(from, header[:]); err != nil {
		t.Fatalf("expected a frame: %v", err)
	}
	size := binary.BigEndian.Uint32(header[:])
	if size == 0 {
		return nil
	}
	if size > largeBytes {
		t.Fatalf("a frame of %d bytes", size)
	}
	data := make([]byte, size)
	if _, err := io.ReadFull(from, data); err != nil {
		t.Fatal(err)
	}
	return data
}

func all(t *testing.T, from io.Reader) string {
	t.Helper()
	var text strings.Builder
	for {
		data := part(t, from)
		if data == nil {
			return text.String()
		}
		text.Write(data)
	}
}

func TestBothWaysAtOnce(t *testing.T) {
	for _, address := range []string{"127.0.0.1:0", "[::1]:0"} {
		t.Run(address, func(t *testing.T) {
			response, in, _ := through(t, program(t, address, echo))
			for _, word := range []string{"one", "two"} {
				_, _ = in.Write([]byte(word))
				if got := string(part(t, response.Body)); got != word {
					t.Fatalf("expected %q, got %q", word, got)
				}
			}
			in.Close()
			if got := all(t, response.Body); got != "" {
				t.Fatalf("expected the end, got %q", got)
			}
			if rest, err := io.ReadAll(response.Body); err != nil || len(rest) > 0 {
				t.Fatalf("expected the answer to end, got %q, %v", rest, err)
			}
		})
	}
}

func TestTheHostEndsFirst(t *testing.T) {
	response, in, _ := through(t, program(t, "127.0.0.1:0", func(conn *net.TCPConn) {
		data, _ := io.ReadAll(conn) // until the other side has ended
		_, _ = conn.Write([]byte("got " + string(data)))
		conn.Close()
	}))
	_, _ = in.Write([]byte("all"))
	in.Close()
	if got := all(t, response.Body); got != "got all" {
		t.Fatalf("got %q", got)
	}
}

func TestTheProgramEndsFirst(t *testing.T) {
	heard := make(chan string, 1)
	response, in, _ := through(t, program(t, "127.0.0.1:0", func(conn *net.TCPConn) {
		_, _ = conn.Write([]byte("bye"))
		_ = conn.CloseWrite()
		data, _ := io.ReadAll(conn)
		heard <- string(data)
		conn.Close()
	}))
	if got := all(t, response.Body); got != "bye" {
		t.Fatalf("got %q", got)
	}
	_, _ = in.Write([]byte("still here"))
	in.Close()
	if got := <-heard; got != "still here" {
		t.Fatalf("the program got %q", got)
	}
	if _, err := io.ReadAll(response.Body); err != nil {
		t.Fatal(err)
	}
}

func TestAResetIsNoEnd(t *testing.T) {
	response, _, _ := through(t, program(t, "127.0.0.1:0", func(conn *net.TCPConn) {
		_, _ = conn.Write([]byte("half"))
		time.Sleep(50 * time.Millisecond)
		reset(conn)
	}))
	if got := string(part(t, response.Body)); got != "half" {
		t.Fatalf("got %q", got)
	}
	if rest, err := io.ReadAll(response.Body); err == nil {
		t.Fatalf("expected an error, got %q and an end", rest)
	}
}

func TestACanceledRequestResetsTheProgram(t *testing.T) {
	ended := make(chan error, 1)
	response, in, cancel := through(t, program(t, "127.0.0.1:0", func(conn *net.TCPConn) {
		_, err := io.ReadAll(conn)
		ended <- err
	}))
	_, _ = in.Write([]byte("half"))
	cancel()
	_ = response.Body.Close()
	select {
	case err := <-ended:
		if !errors.Is(err, syscall.ECONNRESET) {
			t.Fatalf("expected a reset, got %v", err)
		}
	case <-time.After(5 * time.Second):
		t.Fatal("the program's connection was left open")
	}
}

func TestAReaderThatStallsStopsTheProgram(t *testing.T) {
	const size = 64 << 20
	written := make(chan int, 1)
	response, in, _ := through(t, program(t, "127.0.0.1:0", func(conn *net.TCPConn) {
		_ = conn.SetWriteDeadline(time.Now().Add(500 * time.Millisecond))
		n, _ := conn.Write(make([]byte, size))
		written <- n
		conn.Close()
	}))
	n := <-written
	if n >= size {
		t.Fatal("nobody read, and all was taken")
	}
	got := len(all(t, response.Body))
	in.Close()
	if got != n {
		t.Fatalf("%d bytes went in, %d came out", n, got)
	}
}

func TestRefusals(t *testing.T) {
	free := program(t, "127.0.0.1:0", echo)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone := listener.Addr().(*net.TCPAddr).Port
	listener.Close()
	client, url := serve(t)
	for query, code := range map[string]string{
		"": "invalid_argument", "port=0": "invalid_argument", "port=65536": "invalid_argument", "port=x": "invalid_argument",
		"port=" + strconv.Itoa(gone): "not_found",
	} {
		response, err := client.Post(url+"/v1/tunnel?"+query, "", nil)
		if err != nil {
			t.Fatal(err)
		}
		var failure struct{ Code, Message string }
		_ = json.NewDecoder(response.Body).Decode(&failure)
		response.Body.Close()
		if failure.Code != code {
			t.Errorf("%q: expected %s, got %+v", query, code, failure)
		}
	}
	tunnels.Add(maxTunnels)
	defer tunnels.Add(-maxTunnels)
	response, err := client.Post(url+"/v1/tunnel?port="+strconv.Itoa(free), "", nil)
	if err != nil || response.StatusCode != 429 {
		t.Fatalf("expected 429, got %v, %v", response, err)
	}
}
