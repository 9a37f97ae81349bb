package account

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestAsRootOfAnotherGroup(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("root alone may be somebody else")
	}
	defer Use("root")
	Use("0:100")
	group := func() uint32 {
		path := filepath.Join(t.TempDir(), "f")
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		var is syscall.Stat_t
		if err := syscall.Stat(path, &is); err != nil {
			t.Fatal(err)
		}
		return is.Gid
	}
	err := As(func() error {
		if got := group(); got != 100 {
			t.Errorf("a file is of group %d", got)
		}
		return As(func() error {
			if got := group(); got != 100 {
				t.Errorf("within another As, a file is of group %d", got)
			}
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := group(); got != 0 {
		t.Errorf("after it, a file is of group %d", got)
	}
}

func TestNobodyToWorkFor(t *testing.T) {
	defer Use("root")
	Use("no name")
	answer := httptest.NewRecorder()
	Handler(http.NotFoundHandler()).ServeHTTP(answer, httptest.NewRequest("GET", "/", nil))
	if !strings.Contains(answer.Body.String(), `"code":"invalid_argument"`) || !strings.Contains(answer.Body.String(), "no name") {
		t.Errorf("got %d %s", answer.Code, answer.Body)
	}
}
