package archive

import (
	"archive/tar"
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
)

// FuzzRoundTrip: what was put in comes out, and goes in once more as the same.
func FuzzRoundTrip(f *testing.F) {
	f.Add(pack(f, file("a/b", "x"), link(tar.TypeSymlink, "s", "../../etc"), link(tar.TypeLink, "h", "a/b")), true)
	f.Add(pack(f, tar.Header{Typeflag: tar.TypeDir, Name: "d/", Mode: 0}, file("d/\xff", ""), file("a", "1"), file("a", "2")), false)
	f.Fuzz(func(t *testing.T, archive []byte, records bool) {
		first, err := extracted(t, archive)
		if err != nil {
			return
		}
		again, err := extracted(t, packed(t, first, records))
		if err != nil {
			t.Fatalf("%v", err)
		}
		expect(t, again, tree(t, first)...)
	})
}

func extracted(t *testing.T, archive []byte) (string, error) {
	dir := t.TempDir()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	x := newExtractor(root)
	defer x.close()
	x.maxBytes, x.maxEntries = 1<<20, 100
	return dir, x.all(tar.NewReader(bytes.NewReader(archive)))
}

func packed(t *testing.T, dir string, records bool) []byte {
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	var out bytes.Buffer
	// Records of sparse files are the host's to read; here are none.
	p := &packer{archive: tar.NewWriter(&out), buffer: make([]byte, 1+len(dir))}
	if err := p.folder(httptest.NewRequest(http.MethodGet, "/", nil), root, "", 0); err != nil {
		t.Fatal(err)
	}
	p.records = records
	if p.skipped != 0 || p.tellSkipped() != nil || p.archive.Close() != nil {
		t.Fatalf("skipped %d", p.skipped)
	}
	return out.Bytes()
}
