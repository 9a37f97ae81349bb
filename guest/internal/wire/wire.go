// Package wire holds what every handler of the guest protocol shares: errors, JSON, parameters.
package wire

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"strconv"
	"syscall"
)

// Error is what the host receives: a code of its closed list, a sentence, and the facts.
type Error struct {
	Code    string         `json:"code"`
	Message string         `json:"message"`
	Context map[string]any `json:"context,omitempty"`
}

func (e *Error) Error() string { return e.Message }

// Errorf makes an Error with a code.
func Errorf(code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// With adds a fact.
func (e *Error) With(key string, value any) *Error {
	if e.Context == nil {
		e.Context = map[string]any{}
	}
	e.Context[key] = value
	return e
}

var statusOf = map[string]int{
	"not_found": 404, "not_supported": 404, "already_exists": 409, "busy": 409, "permission_denied": 403,
	"too_large": 413, "limit_reached": 429, "disk_full": 507, "internal": 500,
}

// FromOS gives a system error one of our codes; path is what it happened to.
func FromOS(err error, path string) *Error {
	var known *Error
	if errors.As(err, &known) {
		return known
	}
	code := "internal"
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ESRCH): // ESRCH: a /proc file of a process that is gone
		code = "not_found"
	case errors.Is(err, syscall.ENOTEMPTY), errors.Is(err, fs.ErrExist):
		code = "already_exists"
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		code = "permission_denied"
	case errors.Is(err, syscall.ENOTDIR):
		code = "not_a_directory"
	case errors.Is(err, syscall.EISDIR):
		code = "not_a_file"
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		code = "disk_full"
	case errors.Is(err, syscall.EBUSY), errors.Is(err, syscall.EAGAIN), errors.Is(err, syscall.ETXTBSY), errors.Is(err, syscall.ESTALE):
		code = "busy"
	case errors.Is(err, syscall.EOPNOTSUPP), errors.Is(err, syscall.ENOSYS):
		code = "not_supported"
	case errors.Is(err, syscall.EFBIG):
		code = "too_large"
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		code = "limit_reached"
	case errors.Is(err, context.Canceled):
		code = "canceled"
	case errors.Is(err, syscall.ENAMETOOLONG), errors.Is(err, syscall.ELOOP), errors.Is(err, syscall.EINVAL):
		code = "invalid_argument"
	}
	return Errorf(code, "%s", err).With("path", path)
}

// Fail answers with an error.
func Fail(w http.ResponseWriter, err error) {
	var known *Error
	if !errors.As(err, &known) {
		known = FromOS(err, "")
	}
	status, ok := statusOf[known.Code]
	if !ok {
		status = 400
	}
	w.Header().Set("content-type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(known)
}

// Reply answers with JSON.
func Reply(w http.ResponseWriter, value any) {
	w.Header().Set("content-type", "application/json")
	_ = json.NewEncoder(w).Encode(value)
}

// Handler turns a function that may fail into an http.HandlerFunc; a nil value has been answered already.
func Handler(f func(w http.ResponseWriter, r *http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		value, err := f(w, r)
		switch {
		case err != nil:
			Fail(w, err)
		case value != nil:
			Reply(w, value)
		}
	}
}

// Body reads a JSON body of at most limit bytes into value. An empty body leaves it as it is.
func Body(r *http.Request, limit int64, value any) error {
	data, err := io.ReadAll(io.LimitReader(r.Body, limit+1))
	if err != nil {
		return Errorf("invalid_argument", "the request's body could not be read: %s", err)
	}
	if int64(len(data)) > limit {
		return Errorf("too_large", "expected a body of at most %d bytes", limit).With("limit", limit)
	}
	if len(data) == 0 {
		return nil
	}
	if err := json.Unmarshal(data, value); err != nil {
		return Errorf("invalid_argument", "expected JSON: %s", err)
	}
	return nil
}

// Int reads a whole number from the query, between min and max; absent gives fallback.
func Int(r *http.Request, name string, fallback, min, max int64) (int64, error) {
	text := r.URL.Query().Get(name)
	if text == "" {
		return fallback, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < min || n > max {
		return 0, Errorf("invalid_argument", "expected %s to be a whole number from %d to %d, got %q", name, min, max, text)
	}
	return n, nil
}

// Flag reads a yes-or-no from the query.
func Flag(r *http.Request, name string) bool { return r.URL.Query().Get(name) == "1" }
