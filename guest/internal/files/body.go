package files

import (
	"errors"
	"io"
	"iter"
	"net/http"

	"lms-computer/guest/internal/wire"
)

// chunks gives the request's body piece by piece, at least one, and an error instead of the piece that did not come
// whole. A piece is the caller's until the next.
func chunks(r *http.Request) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		buffer := buffers.Get().(*[chunkBytes]byte)
		defer buffers.Put(buffer)
		for total := int64(0); ; {
			n, err := fill(r.Body, buffer[:])
			total += int64(n)
			if err == io.EOF && r.ContentLength >= 0 && total != r.ContentLength {
				err = io.ErrUnexpectedEOF
			}
			if err != nil && err != io.EOF {
				yield(nil, cutShort(r, total, err))
				return
			}
			if (n > 0 || total == 0) && !yield(buffer[:n], nil) || err == io.EOF {
				return
			}
		}
	}
}

func cutShort(r *http.Request, total int64, err error) error {
	var known *wire.Error
	if errors.As(err, &known) {
		return known
	}
	code := "invalid_argument"
	if r.Context().Err() != nil {
		code = "canceled"
	}
	return wire.Errorf(code, "the body broke off after %d bytes: %s", total, err)
}

// fill reads until the buffer is full. Unlike io.ReadFull it leaves io.EOF, a whole body, and io.ErrUnexpectedEOF, one that
// was cut, apart.
func fill(from io.Reader, buffer []byte) (n int, err error) {
	for n < len(buffer) && err == nil {
		var more int
		more, err = from.Read(buffer[n:])
		n += more
	}
	return n, err
}
