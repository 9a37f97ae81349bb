package files

import (
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"
	"slices"
	"strings"

	"lms-computer/guest/internal/directory"
)

const (
	maxEntries = 10_000
	// maxListBytes leaves room below the 16 MiB that the host accepts: long paths can make few entries large.
	maxListBytes = 15 << 20
)

type listing struct {
	Entries   []json.RawMessage `json:"entries"`
	Truncated bool              `json:"truncated"`
}

func list(_ http.ResponseWriter, r *http.Request) (any, error) {
	path, err := PathOf(r, "path")
	if err != nil {
		return nil, err
	}
	dir, err := directory.Hold(path)
	if err != nil {
		return nil, Failed(err, path)
	}
	defer dir.Close()
	names, truncated, err := firstNames(r, dir)
	if err != nil {
		return nil, Failed(err, path)
	}
	answer := listing{Entries: make([]json.RawMessage, 0, len(names)), Truncated: truncated}
	prefix, bytes := strings.TrimRight(path, "/")+"/", 0
	for _, name := range names {
		info, err := dir.Lstat(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue // gone since
		}
		if err != nil {
			return nil, Failed(err, prefix+name)
		}
		target := ""
		if info.Mode()&os.ModeSymlink != 0 {
			target, _ = dir.Readlink(name)
		}
		text, err := json.Marshal(EntryOf(prefix+name, info, target))
		if err != nil {
			return nil, err
		}
		if bytes += len(text) + 1; bytes > maxListBytes {
			answer.Truncated = true
			break
		}
		answer.Entries = append(answer.Entries, text)
	}
	return answer, nil
}

// firstNames gives the first maxEntries names in the order of their bytes, holding no more than twice as many.
func firstNames(r *http.Request, dir *os.Root) (names []string, truncated bool, err error) {
	f, err := dir.Open(".")
	if err != nil {
		return nil, false, err
	}
	defer f.Close()
	keep := func() {
		slices.Sort(names)
		if len(names) > maxEntries {
			names, truncated = names[:maxEntries], true
		}
	}
	for {
		some, err := f.Readdirnames(maxEntries)
		names = append(names, some...)
		if len(names) >= 2*maxEntries {
			keep()
		}
		if err == io.EOF {
			keep()
			return names, truncated, nil
		}
		if err == nil {
			err = r.Context().Err()
		}
		if err != nil {
			return nil, false, err
		}
	}
}
