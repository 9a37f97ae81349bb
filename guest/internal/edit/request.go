package edit

import (
	"bytes"
	"encoding/json"
	"net/http"

	"lms-computer/guest/internal/wire"
)

const maxReplacements = 100

// replacement is one exact change.
type replacement struct {
	old, new []byte
	all      bool
}

type replaceRequest struct {
	Replacements []struct {
		Old, New             string
		OldBase64, NewBase64 []byte
		All                  bool
	}
	// MatchLineEndings makes the line endings of old and new those of the file.
	MatchLineEndings bool
}

func parseReplace(r *http.Request) (edits []replacement, matchLineEndings bool, err error) {
	var request replaceRequest
	if err := body(r, &request); err != nil {
		return nil, false, err
	}
	if n := len(request.Replacements); n == 0 || n > maxReplacements {
		return nil, false, wire.Errorf("invalid_argument", "expected 1 to %d replacements, got %d", maxReplacements, n)
	}
	for i, one := range request.Replacements {
		edit := replacement{[]byte(one.Old), []byte(one.New), one.All}
		if len(one.OldBase64) > 0 {
			edit.old = one.OldBase64
		}
		if len(one.NewBase64) > 0 {
			edit.new = one.NewBase64
		}
		if len(edit.old) == 0 {
			return nil, false, wire.Errorf("invalid_argument", "replacement %d: expected the text to replace, got nothing", i+1).With("index", i)
		}
		edits = append(edits, edit)
	}
	return edits, request.MatchLineEndings, nil
}

// body reads JSON. encoding/json puts U+FFFD for what is not UTF-8, which would change a file in silence.
func body(r *http.Request, value any) error {
	var raw json.RawMessage
	if err := wire.Body(r, maxBodyBytes, &raw); err != nil {
		return err
	}
	if len(raw) == 0 {
		return wire.Errorf("invalid_argument", "expected JSON, got nothing")
	}
	if i := invalidUTF8(raw); i >= 0 {
		return wire.Errorf("invalid_argument", "expected UTF-8, byte %d of the request is not", i)
	}
	if err := json.Unmarshal(raw, value); err != nil {
		return wire.Errorf("invalid_argument", "expected other JSON: %s", err)
	}
	return nil
}

// invalidUTF8 gives where text stops being UTF-8, or -1.
func invalidUTF8(text []byte) int {
	valid := bytes.ToValidUTF8(text, nil)
	if len(valid) == len(text) {
		return -1
	}
	for i := range valid {
		if valid[i] != text[i] {
			return i
		}
	}
	return len(valid)
}
