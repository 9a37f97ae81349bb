package archive

import (
	"strings"

	"lms-computer/guest/internal/wire"
)

const (
	maxPathBytes = 4095 // PATH_MAX without the final NUL
	maxNameBytes = 255  // NAME_MAX
	maxDepth     = 200
)

// cleanName checks a name of an archive part by part and gives it without what means nothing: `./a//b/` is `a/b`, and `.` is the folder itself.
func cleanName(name string) (string, error) {
	refuse := func(why string) (string, error) {
		if len(name) > 200 {
			name = name[:200] + "…"
		}
		return "", wire.Errorf("invalid_argument", "the archive has a name that %s: %q", why, name)
	}
	switch {
	case name == "":
		return refuse("is empty")
	case name[0] == '/':
		return refuse("is absolute")
	case len(name) > maxPathBytes:
		return refuse("is too long")
	case strings.IndexByte(name, 0) >= 0:
		return refuse("has NUL in it")
	}
	parts := make([]string, 0, 8)
	for part := range strings.SplitSeq(name, "/") {
		switch {
		case part == "" || part == ".":
		case part == "..":
			return refuse("leads out of the folder")
		case len(part) > maxNameBytes:
			return refuse("has a part that is too long")
		default:
			parts = append(parts, part)
		}
	}
	switch {
	case len(parts) == 0:
		return ".", nil
	case len(parts) > maxDepth:
		return refuse("is too deep")
	}
	return strings.Join(parts, "/"), nil
}

// split cuts a cleaned name at its last slash; the folder itself is ".".
func split(name string) (dir, last string) {
	if cut := strings.LastIndexByte(name, '/'); cut >= 0 {
		return name[:cut], name[cut+1:]
	}
	return ".", name
}
