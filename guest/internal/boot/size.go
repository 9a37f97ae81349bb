package boot

import (
	"io"
	"path/filepath"
	"time"

	"lms-computer/guest/internal/directory"
)

// size is `agent boot size`: the bytes on disk of all that a machine has written, its checkpoints too. What is mounted in the machine is not in
// sight here. It may be running, and what is counted is its guest's.
func size(in io.Reader, out io.Writer) error {
	machine, err := readDirectory(in)
	if err != nil {
		return err
	}
	var bytes int64
	for _, part := range append([]string{checkpointsDirectory}, ownParts...) {
		bytes += directory.Size(filepath.Join(machine, part), time.Time{})
	}
	reply(out, map[string]any{"status": "counted", "bytes": bytes})
	return nil
}
