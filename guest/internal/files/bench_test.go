package files

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// sink is a ResponseWriter that costs nothing, so that the handlers alone are measured.
type sink struct{ header http.Header }

func (s *sink) Header() http.Header         { return s.header }
func (s *sink) Write(p []byte) (int, error) { return len(p), nil }
func (s *sink) WriteHeader(int)             {}

func BenchmarkFiles(b *testing.B) {
	mux := http.NewServeMux()
	Register(mux)
	g, dir := serve(b), b.TempDir()
	for _, size := range []struct {
		name  string
		bytes int
	}{{"1KB", 1 << 10}, {"16MB", 16 << 20}} {
		content := strings.Repeat("x", size.bytes)
		path := put(b, dir+"/"+size.name, content)
		direct := func(method, route string, body func() io.Reader) func(*testing.B) {
			return func(b *testing.B) {
				b.SetBytes(int64(size.bytes))
				for b.Loop() {
					request := httptest.NewRequest(method, "/v1/files/"+route+"?path="+path, body())
					mux.ServeHTTP(&sink{http.Header{}}, request)
				}
			}
		}
		b.Run("write/"+size.name, direct("PUT", "write", func() io.Reader { return strings.NewReader(content) }))
		b.Run("read/"+size.name, direct("GET", "read", func() io.Reader { return nil }))
		b.Run("http2-write/"+size.name, func(b *testing.B) {
			b.SetBytes(int64(size.bytes))
			for b.Loop() {
				g.ok("write", q("path", path), content)
			}
		})
		b.Run("http2-read/"+size.name, func(b *testing.B) {
			b.SetBytes(int64(size.bytes))
			for b.Loop() {
				g.ok("read", q("path", path), "")
			}
		})
	}
	b.Run("list/1000", func(b *testing.B) {
		for i := range 1000 {
			put(b, dir+"/many/"+strings.Repeat("n", 10+i%50)+string(rune('a'+i%26))+strings.Repeat("m", i/50), "")
		}
		for b.Loop() {
			mux.ServeHTTP(&sink{http.Header{}}, httptest.NewRequest("GET", "/v1/files/list?path="+dir+"/many", nil))
		}
	})
}
