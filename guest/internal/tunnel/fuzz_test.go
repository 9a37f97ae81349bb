package tunnel

import (
	"bytes"
	"encoding/binary"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/iotest"
)

// FuzzFrames: what a program writes comes out as it was, whole, with its end, in frames of a bounded size.
func FuzzFrames(f *testing.F) {
	f.Add([]byte("hello"), true)
	f.Add([]byte{}, false)
	f.Add(bytes.Repeat([]byte{0, 0, 0, 0}, 40_000), false)
	f.Fuzz(func(t *testing.T, data []byte, byBytes bool) {
		w := httptest.NewRecorder()
		var reader = iotest.DataErrReader(bytes.NewReader(data))
		if byBytes {
			reader = iotest.OneByteReader(bytes.NewReader(data[:min(len(data), 1000)]))
			data = data[:min(len(data), 1000)]
		}
		if err := receive(w, http.NewResponseController(w), reader); err != nil {
			t.Fatal(err)
		}
		var got []byte
		left := w.Body.Bytes()
		for {
			size := binary.BigEndian.Uint32(left)
			left = left[headerBytes:]
			if size > chunkBytes {
				t.Fatalf("a frame of %d", size)
			}
			if size == 0 {
				break
			}
			got, left = append(got, left[:size]...), left[size:]
			if len(left) == 0 { // the end came with the last bytes
				break
			}
		}
		if len(left) > 0 || !bytes.Equal(got, data) {
			t.Fatalf("%d bytes in, %d out, %d left", len(data), len(got), len(left))
		}
	})
}
