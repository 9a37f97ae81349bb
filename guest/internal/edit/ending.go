package edit

import (
	"bytes"
	"io"
)

// lineEndingOf gives how the first line ends, and nothing if it is longer than a chunk or the only one.
func lineEndingOf(from io.ReaderAt) (string, error) {
	buffer := make([]byte, chunkBytes)
	n, err := from.ReadAt(buffer, 0)
	if err != nil && err != io.EOF {
		return "", err
	}
	switch i := bytes.IndexByte(buffer[:n], '\n'); {
	case i < 0:
		return "", nil
	case i > 0 && buffer[i-1] == '\r':
		return "\r\n", nil
	default:
		return "\n", nil
	}
}

// withLineEnding gives text the line ending; an empty one changes nothing.
func withLineEnding(text []byte, ending string) []byte {
	if ending == "" {
		return text
	}
	text = bytes.ReplaceAll(text, []byte("\r\n"), newline)
	if ending == "\n" {
		return text
	}
	return bytes.ReplaceAll(text, newline, []byte(ending))
}

func adaptLineEndings(edits []replacement, ending string) {
	for i, edit := range edits {
		edits[i].old, edits[i].new = withLineEnding(edit.old, ending), withLineEnding(edit.new, ending)
	}
}
