// Package directory opens and measures directories that programs of the machine may change under our feet.
package directory

import "os"

// Hold opens the directory at path. os.OpenRoot alone opens whatever has the name, and of a FIFO that was put there since it was looked at it
// waits for a writer, in open(2), where no context ends it. With a slash behind it a path can only be a directory's (path_resolution(7)).
func Hold(path string) (*os.Root, error) { return os.OpenRoot(path + "/") }

// HoldIn is Hold for a name in root, which takes a slash for something to look at first. Of all parts but the last it opens directories alone,
// so the last one is the directory itself.
func HoldIn(root *os.Root, name string) (*os.Root, error) { return root.OpenRoot(name + "/.") }

// OpenIn is HoldIn for its list of names.
func OpenIn(root *os.Root, name string) (*os.File, error) { return root.Open(name + "/.") }
