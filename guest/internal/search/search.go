// Package search serves the requests that go through trees: for the lines that match a pattern, or to list them.
package search

import (
	"net/http"
	"os"
	"time"

	"lms-computer/guest/internal/files"
	"lms-computer/guest/internal/search/glob"
	"lms-computer/guest/internal/wire"
)

const (
	maxBodyBytes   = 1 << 20
	maxResults     = 100_000
	defaultResults = 1000
	maxContext     = 20
	// maxAnswerBytes bounds an answer with long lines and context.
	maxAnswerBytes = 64 << 20
	flushInterval  = 50 * time.Millisecond
)

// Register adds the routes to mux.
func Register(mux *http.ServeMux) {
	mux.HandleFunc("POST /v1/search", wire.Handler(search))
	mux.HandleFunc("GET /v1/files/tree", wire.Handler(tree))
}

type request struct {
	Pattern, Path       string
	IgnoreCase, Literal bool
	Glob                []string
	MaxResults          int
	Context             int
	Hidden              *bool
	All, Gitignore      bool
}

func search(w http.ResponseWriter, r *http.Request) (any, error) {
	asked := request{MaxResults: defaultResults}
	if err := wire.Body(r, maxBodyBytes, &asked); err != nil {
		return nil, err
	}
	if err := files.CheckPath(asked.Path, "path"); err != nil {
		return nil, err
	}
	for _, n := range []struct {
		name            string
		value, min, max int
	}{{"maxResults", asked.MaxResults, 1, maxResults}, {"context", asked.Context, 0, maxContext}} {
		if n.value < n.min || n.value > n.max {
			return nil, wire.Errorf("invalid_argument", "expected %s to be %d to %d, got %d", n.name, n.min, n.max, n.value)
		}
	}
	pattern, err := newPattern(asked.Pattern, asked.Literal, asked.IgnoreCase)
	if err != nil {
		return nil, err
	}
	filter, err := glob.NewFilter(asked.Glob)
	if err != nil {
		return nil, err
	}
	info, err := os.Stat(asked.Path)
	if err != nil {
		return nil, files.Failed(err, asked.Path)
	}
	workers, release := raiseThreads()
	defer release()
	search := &run{ctx: r.Context(), pattern: pattern, context: asked.Context, limit: asked.MaxResults + 1}
	out := &answer{w: w, left: asked.MaxResults, flushed: time.Now()}
	walk := &walker{
		ctx: r.Context(), hidden: asked.Hidden == nil || *asked.Hidden, all: asked.All, gitignore: asked.Gitignore, filter: filter,
	}
	list := func(each func(path string) error) error {
		walk.visit = func(path string, c child, _ int, _ bool) error {
			if c.kind != file {
				return nil
			}
			return each(path)
		}
		return walk.walk(asked.Path)
	}
	switch {
	case info.Mode().IsRegular():
		search.follow = true
		list = func(each func(path string) error) error { return each(asked.Path) }
	case !info.IsDir():
		return nil, wire.Errorf("not_a_file", "expected %q to be a directory or a regular file", asked.Path).With("path", asked.Path)
	}
	if err := search.over(workers, list, out.take); err != nil && r.Context().Err() == nil {
		if !out.begun {
			return nil, files.Failed(err, asked.Path)
		}
		panic(http.ErrAbortHandler) // nothing else would tell the host that the rest is missing
	}
	if r.Context().Err() == nil {
		out.end(search, int(search.unreadable.Load())+walk.unreadable)
	}
	return nil, nil
}
