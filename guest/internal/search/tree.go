package search

import (
	"encoding/json"
	"net/http"
	"os"

	"lms-computer/guest/internal/files"
	"lms-computer/guest/internal/wire"
)

const (
	defaultTreeDepth = 64
	maxTreeDepth     = 2048 // as deep as PATH_MAX lets a path be
	maxTreeEntries   = 10_000
	// maxTreeBytes leaves room below the 16 MiB that the host accepts.
	maxTreeBytes = 15 << 20
)

type listing struct {
	Entries   []json.RawMessage `json:"entries"`
	Truncated bool              `json:"truncated"`
}

// tree lists a directory and those below it. What a search skips is shown, but not entered.
func tree(_ http.ResponseWriter, r *http.Request) (any, error) {
	path, err := files.PathOf(r, "path")
	if err != nil {
		return nil, err
	}
	depth, err := wire.Int(r, "depth", defaultTreeDepth, 1, maxTreeDepth)
	if err != nil {
		return nil, err
	}
	most, err := wire.Int(r, "max", maxTreeEntries, 1, maxTreeEntries)
	if err != nil {
		return nil, err
	}
	answer := listing{Entries: []json.RawMessage{}}
	bytes := 0
	walk := &walker{
		ctx: r.Context(), hidden: wire.Flag(r, "hidden"), all: wire.Flag(r, "all"), gitignore: wire.Flag(r, "gitignore"), maxDepth: int(depth),
	}
	walk.visit = func(path string, c child, _ int, _ bool) error {
		if int64(len(answer.Entries)) == most {
			return errStop
		}
		info, err := os.Lstat(path)
		if err != nil {
			return nil // gone since
		}
		target := ""
		if c.kind == symlink {
			target, _ = os.Readlink(path)
		}
		text, err := json.Marshal(files.EntryOf(path, info, target))
		if err != nil {
			return err
		}
		if bytes += len(text) + 1; bytes > maxTreeBytes {
			return errStop
		}
		answer.Entries = append(answer.Entries, text)
		return nil
	}
	err = walk.walk(path)
	switch err {
	case nil:
	case errStop:
		answer.Truncated = true
	default:
		return nil, files.Failed(err, path)
	}
	return answer, nil
}
